/** Thrown for a configuration that cannot be used; each problem is one line: path, value, what was expected. */
export class ConfigError extends Error {
  readonly problems: string[];
  constructor(source: string, problems: string[]) {
    super(problems.map((problem) => `${source}: ${problem}`).join('\n'));
    this.name = 'ConfigInvalid';
    this.problems = problems;
  }
}
