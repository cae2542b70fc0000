// Four questions to the telemetry, every quarter of an hour, and a mail when the answer is not empty.
param location string
param insights string
param email string

var rules = [
  {
    name: 'parked'
    says: 'A message was parked and waits for a person: headnode parked list'
    asks: 'traces | where message startswith "message parked"'
  }
  {
    name: 'reaping'
    says: 'The reaper failed; machines may run on. See its log'
    asks: 'requests | where name startswith "reap" and success == false'
  }
  {
    // A message that comes again is hidden for a quarter of an hour at most.
    name: 'waiting'
    says: 'A message waited for half an hour; functions fail or are throttled'
    asks: 'traces | where message startswith "Trigger Details" | parse message with * "InsertedOn: " inserted:datetime | where timestamp - inserted > 30m'
  }
  {
    name: 'silent'
    says: 'No tick of the reaper succeeded for a quarter of an hour: the functions do not run'
    asks: 'requests | where name == "reap_tick" and success == true | summarize ticks = count() | where ticks == 0'
  }
]

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'headnode'
  location: 'global'
  properties: {
    groupShortName: 'headnode'
    enabled: true
    emailReceivers: [
      { name: 'mail', emailAddress: email, useCommonAlertSchema: true }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [for rule in rules: {
  name: 'headnode-${rule.name}'
  location: location
  kind: 'LogAlert'
  properties: {
    description: rule.says
    severity: 1
    enabled: true
    scopes: [component.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          query: rule.asks
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    autoMitigate: true
    actions: { actionGroups: [people.id] }
  }
}]
