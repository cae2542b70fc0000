// headnode on Azure: what runs it, in one resource group, and the custom roles by which it may act in the
// subscription. `headnode package azure --out DIR` puts these files beside the archive of the functions.
//
// What it costs while nobody uses it, a month (list prices; look them up for your region):
//   ticks         43,200 executions of at least a second. At 512 MB 21,600 GB-s, in the free 100,000; at 2,048 MB
//                 86,400 GB-s. Without the free grant 0.60 or 2.30 USD
//   queues        the platform looks whether there are messages: 0.10 to 1 USD of storage transactions
//   telemetry     about 0.2 GB of the ticks' lines; 5 GB are free, and a daily limit holds
//   alerts        0.50 USD each, four of them; none without alertEmail
// Nothing else has a price until it is used: no instance is kept ready, and the key costs by operation.
targetScope = 'subscription'

@description('Resource group of the control plane; made when it does not exist. Its name and the subscription identify the installation.')
@minLength(1)
@maxLength(80)
param group string = 'headnode'

@description('Region of the control plane. Environments may be in any.')
param location string = deployment().location

@description('per-step: an app for the API and for each step, each with its own identity and role. one: a single app, whose identity has all roles.')
@allowed(['per-step', 'one'])
param isolation string = 'per-step'

@description('SHA-256, in hex, of the API token that you begin with. The token itself never leaves your machine. To revoke it, deploy with another hash (or none) and delete the token through the API.')
@secure()
param firstTokenHash string = ''

@description('Where machines reach the API, when that is a domain of your own: https://name, without a slash at the end.')
param apiUrl string = ''

@description('Name prefix of what is made for environments.')
@maxLength(20)
param forgePrefix string = 'TowerForge'

@description('Instances of one app at most.')
@minValue(40)
@maxValue(1000)
param maxInstances int = 40

@description('Tell the reaper at once when a VM goes. Needs the right to make Event Grid subscriptions, and functions that are already deployed: set it in a second deployment.')
param events bool = false

@description('The system topic of events of this subscription, where it has one already: it cannot have two. Empty: one is made.')
param eventTopic string = ''

@description('The resource group of that topic.')
param eventTopicGroup string = ''

@description('Alerts are mailed here. Without it there are none.')
param alertEmail string = ''

@description('GB of telemetry a day, at most.')
@minValue(1)
param telemetryDailyGb int = 1

@description('Days for which telemetry is kept.')
@allowed([30, 60, 90, 180, 365])
param telemetryDays int = 30

@description('Locally or zone redundant storage for records and queues.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string = 'Standard_LRS'

@description('Take back the key vault of an earlier deployment, whose resource group was deleted: a vault that is protected from purging keeps its name for 90 days.')
param recoverVault bool = false

var suffix = uniqueString(subscription().id, group)
// On every tag: no second installation, in this subscription or another, can have it.
var installation = guid(subscription().id, group)
var names = {
  storage: 'headnode${suffix}'
  vault: 'headnode-${suffix}'
  telemetry: 'headnode-${suffix}'
  topic: 'headnode-${suffix}'
}
var table = 'headnode'
var queuePrefix = 'headnode'

// An app runs the functions of its steps; the others are there and disabled. The API's cold start is a person's
// wait, and a 512 MB instance has a quarter of a core, so the API has 2,048 MB. The steps wait for Azure and
// hold about 100 MB: the smallest size keeps the minutely ticks within the free grant.
var apart = [
  { name: 'headnode-api-${suffix}', runs: ['api'], memory: 2048 }
  { name: 'headnode-create-${suffix}', runs: ['create'], memory: 512 }
  { name: 'headnode-launch-${suffix}', runs: ['launch'], memory: 512 }
  { name: 'headnode-logs-${suffix}', runs: ['logs'], memory: 512 }
  { name: 'headnode-reap-${suffix}', runs: ['reap'], memory: 512 }
  { name: 'headnode-dispose-${suffix}', runs: ['dispose'], memory: 512 }
]
var together = [
  { name: 'headnode-${suffix}', runs: ['api', 'create', 'launch', 'logs', 'reap', 'dispose'], memory: 2048 }
]
var apps = isolation == 'one' ? together : apart
var apiApp = isolation == 'one' ? 'headnode-${suffix}' : 'headnode-api-${suffix}'
var url = empty(apiUrl) ? 'https://${apiApp}.azurewebsites.net' : apiUrl

// In the order of `apart`.
var roles = [
  { holder: 'api', definition: loadJsonContent('roles/api.json') }
  { holder: 'create', definition: loadJsonContent('roles/create.json') }
  { holder: 'launch', definition: loadJsonContent('roles/launch.json') }
  { holder: 'logs', definition: loadJsonContent('roles/logs.json') }
  { holder: 'reap', definition: loadJsonContent('roles/reap.json') }
  { holder: 'dispose', definition: loadJsonContent('roles/dispose.json') }
]

resource plane 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: group
  location: location
}

module storage 'modules/storage.bicep' = {
  name: 'headnode-storage'
  scope: plane
  params: {
    location: location
    name: names.storage
    sku: storageSku
    table: table
    queuePrefix: queuePrefix
    apps: [for each in apps: each.name]
  }
}

module vault 'modules/vault.bicep' = {
  name: 'headnode-vault'
  scope: plane
  params: {
    location: location
    name: names.vault
    recover: recoverVault
  }
}

module telemetry 'modules/telemetry.bicep' = {
  name: 'headnode-telemetry'
  scope: plane
  params: {
    location: location
    name: names.telemetry
    dailyGb: telemetryDailyGb
    days: telemetryDays
  }
}

module app 'modules/app.bicep' = [for each in apps: {
  name: each.name
  scope: plane
  params: {
    location: location
    name: each.name
    runs: each.runs
    memory: each.memory
    maxInstances: maxInstances
    storage: storage.outputs.name
    blobs: storage.outputs.blobs
    vault: vault.outputs.name
    keyName: vault.outputs.keyName
    insights: telemetry.outputs.insights
    firstTokenHash: contains(each.runs, 'api') ? firstTokenHash : ''
    settings: {
      HEADNODE_INSTALLATION: installation
      HEADNODE_API_URL: url
      HEADNODE_FORGE_PREFIX: forgePrefix
      HEADNODE_STORAGE_ACCOUNT: storage.outputs.name
      HEADNODE_TABLE: table
      HEADNODE_QUEUE_PREFIX: queuePrefix
      HEADNODE_KEYVAULT_KEY: vault.outputs.key
    }
  }
}]

module role 'modules/role.bicep' = [for (each, index) in roles: {
  name: 'headnode-role-${each.holder}-${suffix}'
  params: {
    holder: each.holder
    definition: each.definition
    installation: installation
    principal: app[isolation == 'one' ? 0 : index].outputs.principal
  }
}]

module topic 'modules/topic.bicep' = if (events && empty(eventTopic)) {
  name: 'headnode-topic'
  scope: plane
  params: {
    name: names.topic
  }
}

module machineEvents 'modules/events.bicep' = if (events) {
  name: 'headnode-events-${suffix}'
  scope: resourceGroup(empty(eventTopic) ? group : eventTopicGroup)
  params: {
    topic: empty(eventTopic) ? names.topic : eventTopic
    name: 'headnode-${suffix}'
    reaper: resourceId(subscription().subscriptionId, group, 'Microsoft.Web/sites', isolation == 'one' ? 'headnode-${suffix}' : 'headnode-reap-${suffix}')
  }
  dependsOn: [app, topic]
}

module alerts 'modules/alerts.bicep' = if (!empty(alertEmail)) {
  name: 'headnode-alerts'
  scope: plane
  params: {
    location: location
    insights: telemetry.outputs.insights
    email: alertEmail
  }
}

@description('What HEADNODE_URL, or TOWER_API_ENDPOINT, is to be set to')
output apiUrl string = url

@description('The value of the tag headnode:installation on everything that is made')
output installation string = installation

@description('Where the control plane is')
output resourceGroup string = group

@description('The Function Apps; each gets the same archive')
output apps array = [for each in apps: each.name]

@description('The account with all records and messages')
output storageAccount string = storage.outputs.name

@description('Seals stored credentials')
output key string = vault.outputs.key
