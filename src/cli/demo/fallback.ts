import { join } from 'node:path';
import { nanosOf } from '../../bigquery/purse.ts';
import { formatDollars } from '../../budget/money.ts';
import { monthOf } from '../../budget/month.ts';
import { readLedger } from '../../client/budget.ts';
import { formatBytes } from '../../config/units.ts';
import { startProxy } from '../../emulator/proxy.ts';
import type { RunningProxy } from '../../emulator/proxy.ts';
import { startReadProxy } from '../../emulator/read-proxy.ts';
import { startEmulator } from '../../emulator/start.ts';
import { budgetLines } from '../budget-view.ts';
import { pairNames } from '../samples/pairs.ts';
import { fallbackTable } from './closing.ts';
import { compareWithLocal } from './compare.ts';
import { FallbackScript } from './fallback-script.ts';
import type { Play } from './play.ts';
import type { Stage } from './stage.ts';
import { placeConfig, writeStageSamples } from './stage.ts';

export interface FallbackStage extends Stage {
  project: string;
  /** Pairs that do not fit the memory of DuckDB's join. */
  wide: string[];
  /** Stands for BigQuery, and keeps books of its own. */
  proxy: RunningProxy;
}

const SHAPE = { columns: 25, rows: 2_000, seed: 7, misaligned: { share: 0.2, pairs: null }, broken: [] };
const FILES = 8;
const FILES_OF_WIDE = 24;
const WIDE_PAIRS = 7;
const DOLLARS_PER_BYTE = 6.25 / 2 ** 40;

/** `widemerge demo --fallback`: DuckDB's join runs out of memory on the wide pairs, which finish on BigQuery (an emulator). */
export const fallback: Play<FallbackStage> = {
  async setStage(folder, display) {
    const config = await placeConfig('demo-fallback.yaml', folder);
    const project = config.bigquery?.project ?? '';
    const pairs = pairNames(27).toSorted();
    // Every other one from the second on, so that the run meets them early.
    const wide = pairs.filter((_, i) => i % 2 === 1).slice(0, WIDE_PAIRS);
    await writeStageSamples(config.root, display, [
      { ...SHAPE, files: FILES, pairs: pairs.filter((pair) => !wide.includes(pair)) },
      { ...SHAPE, files: FILES_OF_WIDE, pairs: wide },
    ]);
    display.line(`  ${wide.join(', ')} have ${FILES_OF_WIDE} files each, the others ${FILES}`);
    const emulator = await startEmulator({
      project,
      logFile: join(folder, 'bigquery.log'),
      log: (line) => display.line(line),
    });
    const proxy = await startProxy({ restUrl: emulator.restUrl });
    const reads = await startReadProxy({ grpcPort: emulator.grpcPort });
    display.line(`an emulator of BigQuery on ${proxy.url}: it refuses what the service refuses, and keeps books`);
    const environment = {
      BIGQUERY_EMULATOR_HOST: proxy.url,
      BIGQUERY_STORAGE_EMULATOR_HOST: `127.0.0.1:${reads.grpcPort}`,
    };
    const dispose = async (): Promise<void> => {
      await reads.stop();
      await proxy.stop();
      await emulator.stop();
    };
    return { folder, config, pairs, environment, project, wide, proxy, [Symbol.asyncDispose]: dispose };
  },

  script: (parts) => new FallbackScript(parts),

  async closingLines({ client, stage, last, seconds }) {
    const ledger = await readLedger(client, stage.project);
    const booked = stage.proxy.books().map(({ bytesBilled }) => bytesBilled);
    const bytes = booked.reduce((sum, billed) => sum + billed, 0);
    const owed = booked.reduce((sum, billed) => sum + nanosOf(billed * DOLLARS_PER_BYTE), 0);
    const scanned = ledger.runs.reduce((sum, { kinds }) => sum + kinds.scan, 0);
    const fromCloud = last.progress.pairs.find(({ backend, figures }) => backend === 'bigquery' && figures !== null);
    return [
      '',
      ...fallbackTable(last),
      '',
      ...budgetLines(ledger, monthOf(Date.now())),
      '',
      `the emulator's own books: ${formatBytes(bytes)} billed, ${formatDollars(owed)}; the ledger's scans: ${formatDollars(scanned)}`,
      ...(fromCloud === undefined ? [] : [await compareWithLocal(stage, fromCloud.pair)]),
      `${seconds.toFixed(0)} s in all`,
    ];
  },

  checkOutcome(result, stage, script) {
    const aside = result.setAside.map(({ pair, reason }) => `${pair}: ${reason}`).join('; ');
    if (result.merged.length !== stage.pairs.length)
      throw new Error(`expected all pairs to be merged; set aside: ${aside || 'none'}`);
    if (!script.isOver) throw new Error('the run ended before all was shown');
  },
};
