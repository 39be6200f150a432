/** Thrown for a configuration that cannot be used; each problem is one line: path, value, what was expected. */
export class ConfigError extends Error {
  override name = 'ConfigInvalid';
  readonly problems: string[];
  constructor(source: string, problems: string[], options?: ErrorOptions) {
    super(problems.map((problem) => `${source}: ${problem}`).join('\n'), options);
    this.problems = problems;
  }
}
