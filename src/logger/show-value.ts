const longestText = 256;
const longestStack = 2_048;
const mostCauses = 4;
const mostErrors = 8;
// Whoever logs them does not mean to.
const secret = /^(password|passwd|secret|token|tokens|ticket|authorization|cookie|credentials?|api_?key|private_?key)$/i;

/** What lines say of a value: a replacer of `JSON.stringify`. Secrets by their names, long texts cut, errors with their causes. */
export function showValue(key: string, value: unknown): unknown {
  if (secret.test(key) && value !== undefined) return "[redacted]";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return cut(value, key === "stack" ? longestStack : longestText);
  if (value instanceof Error) return shown(value, 0);
  return value;
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

// Causes may lead back to where they began, and lists of errors hold lists of errors.
function shown(error: Error, depth: number): object {
  const inner = (value: unknown, at: number): unknown => {
    if (!(value instanceof Error)) return value;
    return depth < mostCauses ? shown(value, at) : value.message;
  };
  return {
    name: error.name,
    message: error.message,
    ...("code" in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: inner(error.cause, depth + 1) }),
    ...(error instanceof AggregateError
      ? { errors: error.errors.slice(0, mostErrors).map((one) => inner(one, mostCauses)) }
      : {}),
  };
}
