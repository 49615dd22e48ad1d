# What inferspec writes to clusters/PLATFORM/REGION/CLUSTER/terraform/terraform.tfvars.json. README.md says what each is for.
# made_by: the cluster whose Terraform makes a thing, "config-connector", or "observed" where it stands.

variable "platform" {
  description = "Name of the platform."
  type        = string
}

variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "project_id" {
  description = "Project of the cluster."
  type        = string
}

variable "project_number" {
  description = "Number of the project: Workload Identity principals are made of it."
  type        = string
}

variable "sync_directory" {
  description = "Directory of the repository that the fleet's Config Sync setting reads."
  type        = string
}

variable "location" {
  description = "Where the control plane stands: a region, or a zone."
  type        = string
}

variable "node_zones" {
  description = "Zones of the nodes; those of the location where empty."
  type        = list(string)
}

variable "autopilot" {
  description = "GKE manages the nodes."
  type        = bool
}

variable "stage" {
  description = "Stage of the cluster, as a label."
  type        = string
}

variable "release_channel" {
  description = "RAPID, REGULAR, STABLE or EXTENDED."
  type        = string
}

variable "min_version" {
  description = "Lowest GKE version of the control plane; the channel's default where empty."
  type        = string
}

variable "security" {
  description = "Binary Authorization's evaluation mode, and Cloud KMS keys of Secrets and of boot disks; Google's own where empty."
  type = object({
    binary_authorization = string
    secrets_key          = string
    disk_key             = string
  })
}

variable "network" {
  description = "Network, subnetworks, and whether nodes reach the internet."
  type = object({
    name               = string
    made_by            = string
    subnetwork         = string
    subnetwork_made_by = string
    node_range         = string
    proxy_range        = string
    proxy_purpose      = string
    proxy_made_by      = string
    internet           = bool
    nat_made_by        = string
  })
}

variable "autoprovisioning_limits" {
  description = "Most that node auto-provisioning may make, by resource: memory in GiB; empty on Autopilot."
  type = list(object({
    resource_type = string
    maximum       = number
  }))
}

variable "addons" {
  description = "Drivers and add-ons that the cluster's objects use."
  type = object({
    filestore_csi  = bool
    gateway_api    = bool
    gcs_fuse_csi   = bool
    lustre_csi     = bool
    ray_operator   = bool
    secret_manager = bool
  })
}

variable "node_service_account" {
  description = "Id of the Google service account that nodes run as."
  type        = string
}

variable "config_sync" {
  description = "Repository, branch and credentials of the sync that reads sync_directory."
  type = object({
    repo            = string
    branch          = string
    auth            = string
    service_account = string
    feature_made_by = string
  })
}

variable "config_cluster" {
  description = "The cluster holds the gateways of the project's fleet that lead to several clusters."
  type        = bool
}

variable "services" {
  description = "APIs of the project."
  type        = list(string)
}

variable "buckets" {
  description = "Buckets that the cluster reads or writes; Google's own key where that is empty."
  type = list(object({
    name     = string
    made_by  = string
    adopt    = bool
    location = string
    key      = string
  }))
}

variable "anywhere_caches" {
  description = "Zonal caches in front of buckets; ttl in seconds."
  type = list(object({
    bucket           = string
    zone             = string
    ttl              = string
    admission_policy = string
    made_by          = string
  }))
}

variable "transfer_jobs" {
  description = "Jobs that copy the first bucket of a store into another."
  type = list(object({
    store    = string
    source   = string
    sink     = string
    interval = string
    made_by  = string
  }))
}

variable "addresses" {
  description = "Regional addresses of gateways."
  type = list(object({
    name     = string
    made_by  = string
    adopt    = bool
    internal = bool
  }))
}

variable "secrets" {
  description = "Secrets, without their values."
  type = list(object({
    name     = string
    made_by  = string
    adopt    = bool
    resource = string
  }))
}

variable "model_armor_templates" {
  description = "Templates that screen prompts and answers."
  type = list(object({
    name       = string
    made_by    = string
    adopt      = bool
    confidence = string
  }))
}

variable "security_policies" {
  description = "Cloud Armor policies of gateways, of the region or global."
  type = list(object({
    name     = string
    made_by  = string
    adopt    = bool
    location = string
    rules = list(object({
      description = string
      priority    = number
      action      = string
      preview     = bool
      ranges      = list(string)
      rate = object({
        requests = number
        seconds  = number
        key      = string
        header   = string
      })
    }))
  }))
}

variable "bucket_grants" {
  description = "Roles on buckets for Kubernetes service accounts."
  type = list(object({
    bucket          = string
    role            = string
    namespace       = string
    service_account = string
    made_by         = string
  }))
}

variable "secret_grants" {
  description = "Roles on secrets for Kubernetes service accounts."
  type = list(object({
    secret          = string
    role            = string
    namespace       = string
    service_account = string
    made_by         = string
  }))
}

variable "project_grants" {
  description = "Roles on projects for Kubernetes service accounts."
  type = list(object({
    project         = string
    role            = string
    namespace       = string
    service_account = string
    made_by         = string
  }))
}

variable "fuse_profiles" {
  description = "Buckets that the FUSE driver's controller scans for its profiles."
  type = object({
    namespace       = string
    service_account = string
    role_made_by    = string
    buckets = list(object({
      name    = string
      made_by = string
    }))
  })
}

variable "registries" {
  description = "Artifact Registry repositories that nodes pull from."
  type = list(object({
    location   = string
    project    = string
    repository = string
  }))
}

variable "certificates" {
  description = "Certificate Manager certificates of the region that gateways use; they stand."
  type        = list(string)
}

variable "hosts" {
  description = "Host names of gateways, with the address each is to resolve to; empty where the gateway has none of its own."
  type = list(object({
    host    = string
    address = string
  }))
}
