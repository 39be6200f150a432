import {
  allHandlersFinished,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { CanaryReport, Happening, RunResult } from '../payloads.ts';
import { lightActivities } from './activity-proxies.ts';
import { canaryLine } from './canary.ts';
import { describeRun } from './details.ts';
import type { MergePairsInput, PairOutcome, RunSummary } from './inputs.ts';
import * as messages from './messages.ts';
import { Notifier } from './notifier.ts';
import { runId } from './run-id.ts';
import { runPair } from './run-pair.ts';
import type { PairEntry } from './pair-entry.ts';
import { pristine, whyText } from './pair-entry.ts';
import { RunMessages } from './run-messages.ts';
import { RunState } from './run-state.ts';
import { upsertMergeAttributes } from './search-attributes.ts';

/** Well under the server's limit of 51,200 events: a pair takes some 50 of them. */
const PAIRS_PER_RUN = 200;
/** Pairs on BigQuery at a time, where the configuration does not say. */
const SIDE_BY_SIDE = 4;

/**
 * The run: merges the pairs one after the other (beside those that are on BigQuery), each in a child workflow of its own,
 * and says at the end which were merged and which were set aside. Completes whatever becomes of a pair; fails only where
 * there is nothing to list.
 */
export async function mergePairs(input: MergePairsInput): Promise<RunResult> {
  const { config, carried, tuning } = input;
  const startedAt = carried?.startedAt ?? workflowInfo().startTime.toISOString();
  const state = new RunState(config, startedAt);
  if (carried) state.restore(carried);
  const operator = new RunMessages(state);
  const notifier = new Notifier(config, (note) => state.note(note));

  let told: RunSummary | null = null;
  let searchAttributes = carried?.searchAttributes ?? false;
  const show = (): void => setCurrentDetails(describeRun(state.progress()));
  const tell = (): void => {
    show();
    const summary = state.summary();
    if (JSON.stringify(summary) === JSON.stringify(told)) return;
    upsertMemo({ summary });
    if (searchAttributes && summary.state !== told?.state) upsertMergeAttributes({ state: summary.state });
    told = summary;
  };
  const receive = (apply: (request: unknown) => void) => (request: unknown) => {
    apply(request);
    tell();
  };
  setHandler(
    messages.pause,
    receive((request) => operator.pause(request)),
  );
  setHandler(
    messages.resume,
    receive(() => operator.resume()),
  );
  setHandler(
    messages.pivotBackend,
    receive((request) => operator.pivot(request)),
  );
  setHandler(
    messages.skipPair,
    receive((request) => operator.skip(request)),
  );
  setHandler(
    messages.retryPair,
    receive((request) => operator.retry(request)),
  );
  setHandler(
    messages.approve,
    receive(() => operator.approve()),
  );
  setHandler(messages.pairProgress, (progress) => {
    state.report(progress);
    show();
  });
  setHandler(messages.progress, () => state.progress());
  setDefaultSignalHandler((name) => operator.unknown(name));

  // Attempts on disk carry this number, so that those of an earlier run do not count in this one.
  const epoch = carried?.epoch ?? Math.floor(Date.parse(startedAt) / 1000);
  const sideBySide = config.bigquery?.sideBySide ?? SIDE_BY_SIDE;
  const nextToBegin = (): PairEntry | null => state.nextToBegin(config.backends, sideBySide);
  /** What a child has thrown: the end of the run. */
  let broken: { error: unknown } | null = null;

  let asked: CanaryReport | null = null;
  /** The incident's own question, with measured figures; asked once for each canary. */
  const askForApproval = (): void => {
    const { report, isAwaitingApproval } = state.canary;
    if (report === null || !isAwaitingApproval || report === asked) return;
    asked = report;
    const line = canaryLine(report);
    state.note(`${line}; the others wait for: widemerge approve ${config.name}`);
    notifier.tell({ event: 'approvalWanted', pair: report.pair, reason: line });
  };

  const begin = (next: PairEntry): void => {
    const { pair, round } = next.progress;
    const { pivot } = next;
    state.begin(next);
    tell();
    void runPair(state, {
      // Thousands of names in every child's and activity's input would fill the histories.
      config: { ...config, pairs: [pair] },
      pair,
      round,
      epoch,
      run: runId(config.name, epoch),
      pivot,
      searchAttributes,
      ...(tuning && { tuning }),
    }).then(
      (outcome) => {
        state.finish(next, outcome, Date.now());
        askForApproval();
        if (outcome.state === 'setAside') notifier.tell(setAsideOf(outcome));
      },
      (error: unknown) => {
        state.abandon(next);
        broken ??= { error };
      },
    );
  };

  const runAll = async (): Promise<void> => {
    for (let pairs = 0; ;) {
      if (state.paused || state.canary.isAwaitingApproval) tell();
      const { ended } = state;
      await condition(() => broken !== null || state.ended !== ended || state.isOver() || nextToBegin() !== null);
      throwIf(broken);
      if (state.isOver()) return;
      const next = nextToBegin();
      if (next === null) continue;
      if (pairs >= (tuning?.pairsPerRun ?? PAIRS_PER_RUN) || workflowInfo().continueAsNewSuggested) {
        // It would end the children that are open.
        await condition(() => broken !== null || state.openPairs === 0);
        throwIf(broken);
        await notifier.settled();
        await condition(allHandlersFinished);
        await continueAsNew<typeof mergePairs>({ ...input, carried: state.carry(epoch, searchAttributes) });
      }
      begin(next);
      pairs += 1;
    }
  };

  try {
    if (!carried) {
      const named = namedEntries(input);
      if (named) state.setPairs(named);
      const summary = 'which search attributes does the server know?';
      ({ searchAttributes } = await lightActivities(config).readCapabilities.executeWithOptions({ summary }, []));
      if (!searchAttributes) state.note('goes on without search attributes: the server does not know them');
      if (!named) state.setPairs(await listEntries(input, state));
    }
    await runAll();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    // Children are stopped, and not only forgotten.
    await CancellationScope.nonCancellable(() => condition(() => state.openPairs === 0));
    if (isCancellation(error) && searchAttributes) upsertMergeAttributes({ state: 'cancelled' });
    notifier.tell(endOf(state.result(), isCancellation(error) ? 'cancelled' : 'failed'));
    await notifier.settled();
    throw error;
  }
  notifier.tell(endOf(state.result(), 'completed'));
  await notifier.settled();
  state.end();
  tell();
  return state.result();
}

function setAsideOf({ pair, failure, reason }: PairOutcome): Happening {
  return { event: 'pairSetAside', pair, failure, reason: whyText({ failure, reason }) };
}

const NAMES_TOLD = 100;

function endOf(result: RunResult, outcome: Extract<Happening, { event: 'runEnded' }>['outcome']): Happening {
  const { merged, skipped, nothingToDo } = result;
  const setAside = result.setAside.map(({ pair }) => pair);
  const counts = `${merged.length} merged, ${setAside.length} set aside, ${skipped.length} skipped`;
  const named = (pairs: string[]): string[] => pairs.slice(0, NAMES_TOLD);
  return {
    event: 'runEnded',
    ...{ outcome, merged: named(merged), setAside: named(setAside), skipped: named(skipped) },
    reason: `${outcome}: ${nothingToDo && outcome === 'completed' ? 'nothing to do, ' : ''}${counts}`,
  };
}

function throwIf(broken: { error: unknown } | null): void {
  if (broken !== null) throw broken.error;
}

/** The pairs that the input names; null where they are a pattern. */
function namedEntries({ config, only }: MergePairsInput): PairEntry[] | null {
  if (only) {
    return only.map(({ pair, round }) => ({
      progress: { ...pristine(pair), state: 'setAside', reason: 'not merged in an earlier run', round },
      pivot: null,
    }));
  }
  if (typeof config.pairs === 'string') return null;
  return config.pairs.map((pair) => ({ progress: pristine(pair), pivot: null }));
}

async function listEntries({ config }: MergePairsInput, state: RunState): Promise<PairEntry[]> {
  const what = `folders of ${config.root} that match ${String(config.pairs)}`;
  const options = { summary: `the pairs: ${what}` };
  const pairs = await lightActivities(config).listPairs.executeWithOptions(options, [{ config }]);
  if (pairs.length === 0) state.note(`nothing to do: there are no ${what}`);
  return pairs.map((pair) => ({ progress: pristine(pair), pivot: null }));
}
