import { machineLockPath } from '../config/environment.ts';
import { defaultHealth, loadConfig } from '../config/load.ts';
import { checkHealth, judgeHealth } from '../guard/health.ts';
import { EXIT, UsageError } from './exit.ts';

/** `widemerge health [CONFIG]`: what the gate of a pair would say now, a line a figure. Exit code 3 where a pair would wait. */
export async function health(path: string | undefined, { json }: { json: boolean }): Promise<void> {
  const config = path === undefined ? null : await loadConfig(path);
  const request = {
    thresholds: config?.health ?? defaultHealth(),
    folder: config?.output ?? process.cwd(),
    neededDiskBytes: 0,
    machineLock: machineLockPath,
  };
  const report = await checkHealth(request).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new UsageError(`the folder of the merged files, ${request.folder}, is missing: make it, or mount its disk`);
  });
  for (const { healthy, says } of judgeHealth(report.figures, request))
    console.log(`${healthy ? 'ok  ' : 'FAIL'}  ${says}`);
  if (json) console.log(JSON.stringify(report));
  if (!report.healthy) process.exitCode = EXIT.failed;
}
