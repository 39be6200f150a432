/** parquet-java, what Spark reads and writes with: test/support/Formats.java, run by a JDK on jars of Maven Central. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jarsFromMaven } from '../support/maven.ts';
import { KEY, type WrittenLine } from './merge-line.ts';
import type { Verdict } from './readers.ts';

const run = promisify(execFile);
const VERSION = '1.18.1';
const HADOOP = '3.4.2';
const PROGRAM = join(import.meta.dirname, '..', 'support', 'Formats.java');

export class ParquetJava {
  private readonly classPath: string;
  private constructor(classPath: string) {
    this.classPath = classPath;
  }

  /** Null, with a reason, where Java or Maven is not there: a fresh machine may have neither, and no way out. */
  static async find(log: (line: string) => void): Promise<ParquetJava | null> {
    try {
      const folder = await jarsFromMaven({
        name: 'parquet-java',
        version: `${VERSION}-hadoop-${HADOOP}`,
        dependencies: [
          `org.apache.parquet:parquet-hadoop:${VERSION}`,
          `org.apache.hadoop:hadoop-client-runtime:${HADOOP}`,
          'org.lz4:lz4-java:1.8.0',
          'org.slf4j:slf4j-nop:1.7.36',
        ],
      });
      const java = new ParquetJava(join(folder, 'lib', '*'));
      // A runtime alone does not compile.
      await run('javac', ['-version']);
      return java;
    } catch (error) {
      log(`no parquet-java: ${String(error).split('\n')[0]}`);
      return null;
    }
  }

  async write(dir: string): Promise<WrittenLine[]> {
    return (await this.linesOf(['write', dir])).map((line) => {
      const [section, name, folder] = line.split('\t');
      return { section: section!, name: name!, dir: folder! };
    });
  }

  /** `tasks`: a file, as read_formats.py has it. */
  async compare(tasks: string): Promise<Verdict[]> {
    return this.linesOf(['compare', KEY, tasks]);
  }

  private async linesOf(args: string[]): Promise<string[]> {
    // Compiled once and quickly: it does not run for long.
    const java = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-cp', this.classPath, PROGRAM];
    const { stdout } = await run('java', [...java, ...args], { maxBuffer: 16 * 1024 ** 2 });
    return stdout.split('\n').filter(Boolean);
  }
}
