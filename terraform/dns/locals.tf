locals {
  checks  = { for one in var.health_checks : one.name => one }
  records = { for one in var.records : one.name => one }

  # Addresses that stand, or that the states of the clusters make: apply those first.
  addresses = {
    for one in distinct(flatten(var.records[*].targets)) : "${one.project}/${one.region}/${one.address}" => one
  }

  # Region -> targets, of records with several of them.
  located = {
    for name, one in local.records : name => {
      for region in distinct(one.targets[*].region) : region => [for target in one.targets : target if target.region == region]
    } if length(one.targets) > 1
  }
}
