// What one app's identity may do in the subscription's environments: a custom role, and its assignment.
targetScope = 'subscription'

@description('api or a step.')
param holder string
@description('The role as roles/<holder>.json has it.')
param definition object
param installation string
param principal string

var properties = definition.properties

resource custom 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, installation, holder)
  properties: {
    // A directory has each name once, and may have several installations.
    roleName: '${properties.roleName} ${installation}'
    description: properties.description
    type: 'CustomRole'
    permissions: properties.permissions
    assignableScopes: [subscription().id]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, installation, holder, principal)
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: custom.id
  }
}
