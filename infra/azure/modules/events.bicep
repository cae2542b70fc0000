// Tells the reaper when a VM went or was stopped through Azure. The sweep finds the same a minute later, and
// also what no event tells: a machine that crashed or shut itself down.
param name string
@description('The app that runs the reaper.')
param app string

resource reaper 'Microsoft.Web/sites@2024-04-01' existing = {
  name: app
}

resource topic 'Microsoft.EventGrid/systemTopics@2022-06-15' = {
  name: name
  location: 'global'
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

resource machines 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = {
  parent: topic
  name: 'headnode-machines'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${reaper.id}/functions/reap_event'
        maxEventsPerBatch: 1
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.Resources.ResourceDeleteSuccess'
        'Microsoft.Resources.ResourceActionSuccess'
      ]
      advancedFilters: [
        {
          operatorType: 'StringIn'
          key: 'data.operationName'
          values: [
            'Microsoft.Compute/virtualMachines/delete'
            'Microsoft.Compute/virtualMachines/deallocate/action'
            'Microsoft.Compute/virtualMachines/powerOff/action'
          ]
        }
      ]
    }
  }
}
