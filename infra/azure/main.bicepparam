using './main.bicep'

param group = 'headnode'
param isolation = 'per-step'

// The hash of the API token that you begin with; see the commands that `headnode package azure` prints.
param firstTokenHash = readEnvironmentVariable('HEADNODE_FIRST_TOKEN_HASH', '')

// After the functions were deployed once, and where you may make Event Grid subscriptions.
param events = false

param alertEmail = ''
