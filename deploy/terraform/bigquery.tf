# What a widemerge worker needs of Google Cloud: an account with the least roles, and the staging dataset.
#   terraform init && terraform apply -var project=my-project

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

variable "project" {
  type        = string
  description = "bigquery.project of the configuration."
}

variable "location" {
  type        = string
  default     = "US"
  description = "bigquery.location of the configuration."
}

variable "dataset" {
  type        = string
  default     = "widemerge_staging"
  description = "bigquery.dataset of the configuration; for staging tables only."
}

variable "bucket" {
  type        = string
  default     = null
  description = "bigquery.bucket of the configuration, without a folder; null makes none."
}

variable "output_dataset" {
  type        = string
  default     = "widemerge_merged"
  description = "bigquery.outputDataset of the configuration; for tables that stay (bigquery.output: tables, both)."
}

resource "google_project_service" "api" {
  for_each           = toset(["bigquery.googleapis.com", "bigquerystorage.googleapis.com"])
  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

resource "google_service_account" "worker" {
  project      = var.project
  account_id   = "widemerge"
  display_name = "widemerge worker"
}

resource "google_project_iam_member" "worker" {
  for_each = toset(["roles/bigquery.jobUser", "roles/bigquery.readSessionUser"])
  project  = var.project
  role     = each.value
  member   = google_service_account.worker.member
}

resource "google_bigquery_dataset" "staging" {
  project                     = var.project
  dataset_id                  = var.dataset
  location                    = var.location
  default_table_expiration_ms = 24 * 3600 * 1000
  delete_contents_on_destroy  = true
  depends_on                  = [google_project_service.api]
}

resource "google_bigquery_dataset_iam_member" "worker" {
  project    = var.project
  dataset_id = google_bigquery_dataset.staging.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.worker.member
}

resource "google_storage_bucket" "staging" {
  count                       = var.bucket == null ? 0 : 1
  project                     = var.project
  name                        = var.bucket
  location                    = var.location
  uniform_bucket_level_access = true
  force_destroy               = true
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 2
    }
  }
}

resource "google_storage_bucket_iam_member" "worker" {
  for_each = var.bucket == null ? toset([]) : toset(["roles/storage.objectUser", "roles/storage.legacyBucketReader"])
  bucket   = google_storage_bucket.staging[0].name
  role     = each.value
  member   = google_service_account.worker.member
}

resource "google_bigquery_dataset" "merged" {
  project    = var.project
  dataset_id = var.output_dataset
  location   = var.location
  depends_on = [google_project_service.api]
}

resource "google_bigquery_dataset_iam_member" "merged" {
  project    = var.project
  dataset_id = google_bigquery_dataset.merged.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.worker.member
}

output "account" {
  value = google_service_account.worker.email
}
