// One Function App on Flex Consumption with its own identity. It holds all functions and runs those of `runs`.
param location string
param name string
@description('Steps, or api, whose functions run here.')
param runs array
@allowed([512, 2048])
param memory int
param maxInstances int
@description('Storage account of the records, the messages and the code.')
param storage string
@description('Its blob endpoint, with a slash at the end.')
param blobs string
param vault string
param keyName string
param insights string
@secure()
param firstTokenHash string
@description('Variables that are the same for every app.')
param settings object

// Function -> the step it belongs to. A test holds this against the app's own index.
var functions = [
  { name: 'api', step: 'api' }
  { name: 'create', step: 'create' }
  { name: 'create_again', step: 'create' }
  { name: 'launch', step: 'launch' }
  { name: 'launch_again', step: 'launch' }
  { name: 'logs', step: 'logs' }
  { name: 'logs_again', step: 'logs' }
  { name: 'reap', step: 'reap' }
  { name: 'reap_again', step: 'reap' }
  { name: 'reap_tick', step: 'reap' }
  { name: 'reap_event', step: 'reap' }
  { name: 'reap_expired', step: 'reap' }
  { name: 'dispose', step: 'dispose' }
  { name: 'dispose_again', step: 'dispose' }
]
var onOff = [for each in functions: {
  name: 'AzureWebJobs.${each.name}.Disabled'
  value: contains(runs, each.step) ? 'false' : 'true'
}]
var given = [for each in items(settings): { name: each.key, value: each.value }]
var token = contains(runs, 'api') ? [{ name: 'HEADNODE_FIRST_TOKEN_HASH', value: firstTokenHash }] : []
var own = [
  { name: 'AZURE_SUBSCRIPTION_ID', value: subscription().subscriptionId }
  // Host storage and triggers, by the app's identity.
  { name: 'AzureWebJobsStorage__accountName', value: storage }
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: component.properties.ConnectionString }
  // The connection string names the place only: without a token of the identity nothing is taken.
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'Authorization=AAD' }
]

// Storage Blob Data Owner, since the host keeps its locks and keys in blobs; then Storage Queue Data
// Contributor and Storage Table Data Contributor.
var dataRoles = [
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
]
var cryptoUser = '12338af0-0e69-4776-bea7-57ae8d297424'
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storage
}

resource sealing 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vault

  resource key 'keys' existing = {
    name: keyName
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

// Flex Consumption takes one app a plan; a plan costs nothing.
resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      runtime: { name: 'python', version: '3.12' }
      scaleAndConcurrency: {
        instanceMemoryMB: memory
        maximumInstanceCount: maxInstances
        alwaysReady: []
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobs}${name}'
          authentication: { type: 'SystemAssignedIdentity' }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: concat(own, given, token, onOff)
    }
  }
}

// No password opens the deployment either.
resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource data 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for id in dataRoles: {
  name: guid(account.id, name, id)
  scope: account
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', id)
  }
}]

resource crypto 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(sealing::key.id, name, cryptoUser)
  scope: sealing::key
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', cryptoUser)
  }
}

resource lines 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, name, metricsPublisher)
  scope: component
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

output principal string = app.identity.principalId
