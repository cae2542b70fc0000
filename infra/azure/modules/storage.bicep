// One account for all that is kept: records, messages, and the apps' code. No key opens it.
param location string
param name string
param sku string
param table string
param queuePrefix string
@description('Names of the apps; each has a container for its code.')
param apps array

var steps = ['create', 'launch', 'logs', 'reap', 'dispose']

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  sku: { name: sku }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource code 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [for app in apps: {
  parent: blobService
  name: app
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [for step in steps: {
  parent: queueService
  name: '${queuePrefix}-${step}'
}]

// Where the host moves what it gave up on; functions empty these too.
resource poison 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [for step in steps: {
  parent: queueService
  name: '${queuePrefix}-${step}-poison'
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource records 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = {
  parent: tableService
  name: table
}

output name string = account.name
output blobs string = account.properties.primaryEndpoints.blob
