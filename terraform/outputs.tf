output "cluster" {
  description = "Name and location of the cluster, as gcloud takes them."
  value       = { name = var.cluster, location = var.location, project = var.project_id }
}

output "dns_records" {
  description = "Host -> name of the address that it is to resolve to."
  value       = { for one in var.hosts : one.host => one.address }
}

output "must_exist" {
  description = "What the cluster's objects use and nobody here makes."
  value = {
    certificates = var.certificates
    keys         = distinct(compact(concat([var.security.secrets_key, var.security.disk_key], [for one in local.buckets : one.key])))
    buckets      = [for one in var.buckets : one.name if one.made_by == "observed"]
    addresses    = [for one in var.addresses : one.name if one.made_by == "observed"]
    secrets      = [for one in var.secrets : one.resource if one.made_by == "observed"]
    policies     = [for one in var.security_policies : one.name if one.made_by == "observed"]
    templates    = [for one in var.model_armor_templates : one.name if one.made_by == "observed"]
  }
}
