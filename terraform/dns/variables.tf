variable "platform" {
  description = "Name of the platform."
  type        = string
  nullable    = false
}

variable "health_checks" {
  description = "Checks of external gateways, from the regions in sources; interval in seconds."
  type = list(object({
    name     = string
    project  = string
    host     = string
    port     = number
    tls      = bool
    path     = string
    sources  = list(string)
    interval = number
  }))
  nullable = false
}

variable "records" {
  description = "Address records of hosts. One target is an answer; several are an answer by region, each left out while it fails its check. fence: a region's clients come to no other."
  type = list(object({
    name          = string
    zone          = string
    project       = string
    ttl           = number
    fence         = bool
    health_check  = string
    internal_port = string
    targets = list(object({
      region  = string
      project = string
      address = string
      network = string
    }))
  }))
  nullable = false
}
