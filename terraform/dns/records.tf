data "google_compute_address" "gateway" {
  for_each = local.addresses

  project = each.value.project
  region  = each.value.region
  name    = each.value.address
}

resource "google_compute_health_check" "host" {
  for_each = local.checks

  project             = each.value.project
  name                = each.value.name
  description         = "Whether ${each.value.host} answers in a region of platform ${var.platform}."
  check_interval_sec  = each.value.interval
  timeout_sec         = 10
  unhealthy_threshold = 2
  source_regions      = each.value.sources

  dynamic "https_health_check" {
    for_each = each.value.tls ? [each.value] : []

    content {
      host         = https_health_check.value.host
      port         = https_health_check.value.port
      request_path = https_health_check.value.path
    }
  }

  dynamic "http_health_check" {
    for_each = each.value.tls ? [] : [each.value]

    content {
      host         = http_health_check.value.host
      port         = http_health_check.value.port
      request_path = http_health_check.value.path
    }
  }
}

resource "google_dns_record_set" "host" {
  for_each = local.records

  project      = each.value.project
  managed_zone = each.value.zone
  name         = each.value.name
  type         = "A"
  ttl          = each.value.ttl

  rrdatas = length(each.value.targets) > 1 ? null : [
    for one in each.value.targets : data.google_compute_address.gateway["${one.project}/${one.region}/${one.address}"].address
  ]

  dynamic "routing_policy" {
    for_each = length(each.value.targets) > 1 ? [each.value] : []

    content {
      enable_geo_fencing = routing_policy.value.fence
      health_check       = routing_policy.value.health_check == "" ? null : google_compute_health_check.host[routing_policy.value.health_check].id

      dynamic "geo" {
        for_each = local.located[each.key]

        content {
          location = geo.key

          health_checked_targets {
            external_endpoints = each.value.internal_port != "" ? null : [
              for one in geo.value : data.google_compute_address.gateway["${one.project}/${one.region}/${one.address}"].address
            ]

            dynamic "internal_load_balancers" {
              for_each = each.value.internal_port != "" ? geo.value : []

              content {
                load_balancer_type = "regionalL7ilb"
                ip_address         = data.google_compute_address.gateway["${internal_load_balancers.value.project}/${internal_load_balancers.value.region}/${internal_load_balancers.value.address}"].address
                ip_protocol        = "tcp"
                port               = each.value.internal_port
                network_url        = "projects/${internal_load_balancers.value.project}/global/networks/${internal_load_balancers.value.network}"
                project            = internal_load_balancers.value.project
                region             = internal_load_balancers.value.region
              }
            }
          }
        }
      }
    }
  }
}
