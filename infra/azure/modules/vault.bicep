// The key that wraps the keys under which credentials are sealed. Without it they are lost, so neither vault
// nor key can be deleted for good within 90 days.
param location string
param name string
param recover bool

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    createMode: recover ? 'recover' : 'default'
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
  }
}

// RSA of 2,048 bits: larger keys have five times the price of an operation.
resource key 'Microsoft.KeyVault/vaults/keys@2023-07-01' = {
  parent: vault
  name: 'headnode'
  properties: {
    kty: 'RSA'
    keySize: 2048
    keyOps: ['wrapKey', 'unwrapKey']
  }
}

output name string = vault.name
output keyName string = key.name
output key string = key.properties.keyUri
