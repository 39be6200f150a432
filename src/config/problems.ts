import type * as z from 'zod';
import { configJsonSchema } from './json-schema.ts';

type Issue = z.core.$ZodIssue;

/** One line for each thing that is wrong with `input`. */
export function problemLines(issues: Issue[], input: unknown): string[] {
  return issues.flatMap((issue) => linesOf(issue, input));
}

function linesOf(issue: Issue, input: unknown): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const known = knownKeys(issue.path);
      const near = nearest(key, known);
      const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
      return `${pathText([...issue.path, key])}: unknown field; ${hint}`;
    });
  // A union says what each of its members missed; the member that the value was meant for is the one of its own type.
  if (issue.code === 'invalid_union') {
    const value = valueAt(input, issue.path);
    const meant = issue.errors.find((errors) =>
      errors.every((error) => error.path.length > 0 || isAbout(error, value)),
    );
    if (meant !== undefined)
      return meant.flatMap((inner) => linesOf({ ...inner, path: [...issue.path, ...inner.path] }, input));
  }
  const value = valueAt(input, issue.path);
  if (value === undefined && issue.code === 'invalid_type')
    return [`${pathText(issue.path)}: missing; ${expectation(issue)}`];
  return [`${pathText(issue.path)}: ${show(value)}; ${expectation(issue)}`];
}

/** True where the issue is about the value's content, not about its type. */
function isAbout(issue: Issue, value: unknown): boolean {
  return !(issue.code === 'invalid_type' && typeof value !== 'undefined');
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `expected ${issue.values
        .map(String)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1')}`;
    case 'invalid_type':
      // The schema's own words, where it has some.
      return `expected ${issue.message.startsWith('Invalid input') ? (TYPE_NAMES[issue.expected] ?? issue.message) : issue.message}`;
    default:
      return `expected ${issue.message}`;
  }
}

const TYPE_NAMES: Record<string, string> = {
  string: 'a text',
  boolean: 'true or false',
  object: 'a section of fields',
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
};

function knownKeys(path: PropertyKey[]): string[] {
  let node: unknown = configJsonSchema();
  for (const part of path) node = (node as { properties?: Record<PropertyKey, unknown> }).properties?.[part] ?? {};
  return Object.keys((node as { properties?: object }).properties ?? {});
}

function nearest(word: string, candidates: string[]): string | undefined {
  const scored = candidates.map((candidate) => ({ candidate, distance: editDistance(word, candidate) }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= Math.max(2, word.length / 3) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  const left = a.toLowerCase();
  const right = b.toLowerCase();
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[right.length]!;
}

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  let value = input;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[part];
  return value;
}

function pathText(path: PropertyKey[]): string {
  if (path.length === 0) return 'the configuration';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : (index === 0 ? '' : '.') + String(part)))
    .join('');
}

function show(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return 'no value';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
