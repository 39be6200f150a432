/** The lines of gcloud, bq or the configuration that mend what the service refuses. */
import type { BigqueryConfig } from '../payloads.ts';
import type { BigQueryError } from './error-reasons.ts';

/** Of roles/bigquery.* */
export type Role = 'jobUser' | 'dataEditor' | 'readSessionUser';

interface Wanted {
  config: BigqueryConfig & { project: string };
  /** e.g. `serviceAccount:worker@example.iam.gserviceaccount.com`. */
  member: string;
  /** What was asked for needs it, granted on `place`. */
  role: Role;
  place: 'project' | 'dataset';
}

const LOGIN = [
  'gcloud auth application-default login',
  'or, with the key of a service account: export GOOGLE_APPLICATION_CREDENTIALS=/path/to/key.json',
];
const API_IS_OFF = /has not been used in project|API .*disabled|has not enabled|SERVICE_DISABLED/i;

/** Empty where a line cannot help; without `wanted` only what depends on neither account nor project. */
export function mendingLines(error: BigQueryError, wanted?: Wanted): string[] {
  if (error.reason === 'noCredentials' || error.reason === 'authError') return LOGIN;
  if (wanted === undefined) return [];
  const { config, role } = wanted;
  const { project, location } = config;
  if (API_IS_OFF.test(error.message))
    return [`gcloud services enable bigquery.googleapis.com bigquerystorage.googleapis.com --project=${project}`];
  switch (error.reason) {
    case 'accessDenied':
      return [grant(wanted)];
    case 'billingNotEnabled':
      return [
        `gcloud billing projects link ${project} --billing-account=ACCOUNT (gcloud billing accounts list has them)`,
      ];
    case 'notFound':
    case 'invalid':
    case 'badRequest':
      if (role !== 'jobUser') return [];
      return [
        `gcloud projects describe ${project}`,
        `in the configuration: bigquery: { project: PROJECT, location: US } (a project that is there; ${location} must be a location of BigQuery)`,
      ];
    default:
      return [];
  }
}

function grant({ config, member, role, place }: Wanted): string {
  const { project, dataset, location } = config;
  if (place === 'project')
    return `gcloud projects add-iam-policy-binding ${project} --member="${member}" --role=roles/bigquery.${role}`;
  const statement = `GRANT \\\`roles/bigquery.${role}\\\` ON SCHEMA \\\`${project}\\\`.${dataset} TO '${member}'`;
  return `bq query --project_id=${project} --location=${location} --use_legacy_sql=false "${statement}"`;
}
