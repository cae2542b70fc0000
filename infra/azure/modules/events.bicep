// Tells the reaper when a VM went or was stopped through Azure. The sweep finds the same a minute later, and
// also what no event tells: a machine that crashed or shut itself down.
param topic string
@description('Of the event subscription.')
param name string
@description('Id of the app that runs the reaper.')
param reaper string

resource source 'Microsoft.EventGrid/systemTopics@2022-06-15' existing = {
  name: topic
}

resource machines 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = {
  parent: source
  name: name
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${reaper}/functions/reap_event'
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
