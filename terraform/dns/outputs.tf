output "hosts" {
  description = "Names of the records."
  value       = sort(keys(local.records))
}
