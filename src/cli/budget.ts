import { monthOf } from '../budget/month.ts';
import { listBudgets, raiseBudget, readLedger } from '../client/budget.ts';
import { releaseRun } from '../client/release-run.ts';
import { loadConfig } from '../config/load.ts';
import { budgetLines, raiseLines, releaseLines } from './budget-view.ts';
import { connect } from './connect.ts';
import { UsageError } from './exit.ts';

export interface BudgetOptions {
  /** Nano-dollars. */
  raise?: number;
  run?: string;
  lower: boolean;
  /** A run, as the books call it. */
  release?: string;
  json: boolean;
}

/** `widemerge budget [PROJECT|CONFIG]`: the books of a project, or of all; `--raise` sets a budget, `--release` frees what a run has left. */
export async function budget(projectOrConfig: string | undefined, options: BudgetOptions): Promise<void> {
  const { raise, run, lower, release, json } = options;
  if (raise === undefined && (run !== undefined || lower))
    throw new UsageError('--run and --lower go with --raise: say the amount');
  if (raise !== undefined && release !== undefined)
    throw new UsageError('--raise and --release are two commands: one after the other');
  const named = projectOrConfig === undefined ? null : await projectOf(projectOrConfig);
  if ((raise ?? release) !== undefined && named === null)
    throw new UsageError('whose budget? name the project, or its configuration');
  await using temporal = await connect();
  const { client } = temporal;

  if (raise !== undefined && named !== null) {
    const answer = await raiseBudget(client, named, { toNanos: raise, lower, ...(run !== undefined && { run }) });
    if (json) console.log(JSON.stringify(answer));
    else for (const line of raiseLines(named, answer)) console.log(line);
    return;
  }
  if (release !== undefined && named !== null) {
    const released = await releaseRun(client, named, release);
    if (json) console.log(JSON.stringify({ released }));
    else for (const line of releaseLines(release, released)) console.log(line);
    return;
  }
  const projects = named === null ? await listBudgets(client) : [named];
  const ledgers = await Promise.all(projects.map((project) => readLedger(client, project)));
  const month = monthOf(Date.now());
  if (json) console.log(JSON.stringify(named === null ? ledgers : ledgers[0]));
  else if (ledgers.length === 0) console.log('no budgets: nothing has been sent to BigQuery');
  else for (const ledger of ledgers) for (const line of budgetLines(ledger, month)) console.log(line);
}

async function projectOf(projectOrConfig: string): Promise<string> {
  if (!/\.ya?ml$/.test(projectOrConfig)) {
    if (/^([a-z0-9.-]+:)?[a-z][a-z0-9-]*$/.test(projectOrConfig)) return projectOrConfig;
    throw new UsageError(`${projectOrConfig} is neither the id of a Google Cloud project nor a YAML file`);
  }
  const project = (await loadConfig(projectOrConfig)).bigquery?.project ?? null;
  if (project !== null) return project;
  throw new UsageError(`${projectOrConfig} names no project: set bigquery.project`);
}
