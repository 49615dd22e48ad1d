resource "google_project_service" "api" {
  for_each = toset(var.services)

  project = var.project_id
  service = each.value
  # Other clusters of the project use it too.
  disable_on_destroy = false
}

resource "google_compute_network" "platform" {
  count = local.makes.network ? 1 : 0

  project                 = var.project_id
  name                    = var.network.name
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"

  depends_on = [google_project_service.api]
}

resource "google_compute_subnetwork" "nodes" {
  count = local.makes.subnetwork ? 1 : 0

  project       = var.project_id
  region        = var.region
  name          = var.network.subnetwork
  network       = var.network.name
  ip_cidr_range = var.network.node_range
  # Nodes without addresses of their own reach Cloud Storage and Artifact Registry.
  private_ip_google_access = true

  depends_on = [google_compute_network.platform]
}

# One a region and network, of one purpose: where requests of the region's gateways, or of cross-regional ones, come from.
resource "google_compute_subnetwork" "proxies" {
  count = local.makes.proxy ? 1 : 0

  project       = var.project_id
  region        = var.region
  name          = "${var.platform}-${var.region}-proxies"
  network       = var.network.name
  ip_cidr_range = var.network.proxy_range
  purpose       = var.network.proxy_purpose
  role          = "ACTIVE"

  depends_on = [google_compute_network.platform]
}

# A way out for this cluster's subnetwork alone: that of a cluster with `internet: false` has none.
resource "google_compute_router" "nat" {
  count = local.makes.nat ? 1 : 0

  project = var.project_id
  region  = var.region
  name    = "${var.cluster}-nat"
  network = var.network.name

  depends_on = [google_compute_network.platform]
}

resource "google_compute_router_nat" "nat" {
  count = local.makes.nat ? 1 : 0

  project                            = var.project_id
  region                             = var.region
  name                               = "${var.cluster}-nat"
  router                             = google_compute_router.nat[0].name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = "projects/${var.project_id}/regions/${var.region}/subnetworks/${var.network.subnetwork}"
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  depends_on = [google_compute_subnetwork.nodes]
}

resource "google_compute_address" "gateway" {
  for_each = local.addresses

  project      = var.project_id
  region       = var.region
  name         = each.value.name
  address_type = each.value.internal ? "INTERNAL" : "EXTERNAL"
  network_tier = each.value.internal ? null : "PREMIUM"
  purpose      = each.value.internal ? "SHARED_LOADBALANCER_VIP" : null
  subnetwork   = each.value.internal ? "projects/${var.project_id}/regions/${var.region}/subnetworks/${var.network.subnetwork}" : null

  depends_on = [google_compute_subnetwork.nodes]
}
