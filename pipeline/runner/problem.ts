/** One thing that is wrong with a pipeline file, and where. */
export interface Problem {
  /** Keys from the root, joined with dots: `steps.test.commands`. Empty for the file as a whole. */
  path: string;
  /** Counted from 1. */
  line: number;
  /** Counted from 1. */
  column: number;
  /** A sentence that says what to do. */
  message: string;
}

/** A pipeline file that cannot be run: all that is wrong with it, at least one problem. */
export class PipelineFileError extends Error {
  override readonly name = 'PipelineFileError';
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super(problems.map((problem) => describeProblem(file, problem)).join('\n'));
    this.problems = problems;
  }
}

/** `codefresh.yml:12:5 steps.test.comands: …`, in the form that editors make a link of. */
export function describeProblem(file: string, { path, line, column, message }: Problem): string {
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`;
}
