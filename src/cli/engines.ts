import { MergeError } from '../backends/backend.ts';
import { placeEngine, PYTHON_ENGINES, pythonEngine, type PythonEngine } from '../backends/python-engines.ts';
import { CommandError } from './exit.ts';
import { interruptible } from './interrupt.ts';

export interface EnginesOptions {
  json: boolean;
}

interface EngineState {
  engine: string;
  ready: boolean;
  what: string;
}

/** `widemerge engines [NAME...]`: makes the Python environments of those that are named, and lists all engines. */
export async function engines(names: PythonEngine[], { json }: EnginesOptions): Promise<void> {
  using interrupt = interruptible();
  for (const engine of new Set(names))
    await pythonEngine(engine, { log: (line) => console.error(line), signal: interrupt.signal }).catch(
      (error: unknown) => {
        throw error instanceof MergeError ? new CommandError(error.facts, { cause: error }) : error;
      },
    );
  const states: EngineState[] = [
    { engine: 'local', ready: true, what: 'the stitch; part of widemerge' },
    { engine: 'duckdb', ready: true, what: 'the SQL join of all files; part of widemerge, needs no Python' },
    ...(await Promise.all(PYTHON_ENGINES.map(stateOf))),
    { engine: 'command', ready: true, what: 'a command of your own: docs/engines.md' },
  ];
  for (const { engine, ready, what } of states)
    console.log(`${engine.padEnd(8)}${(ready ? 'ready' : 'not made').padEnd(10)}${what}`);
  if (json) console.log(JSON.stringify({ engines: states }));
}

async function stateOf(engine: PythonEngine): Promise<EngineState> {
  try {
    const { folder, made, interpreter } = await placeEngine(engine);
    const how = made ? folder : `made at its first use, with ${interpreter}; now: widemerge engines ${engine}`;
    return { engine, ready: made, what: how };
  } catch (error) {
    return { engine, ready: false, what: error instanceof Error ? error.message : String(error) };
  }
}
