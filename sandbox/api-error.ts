/** An answer other than success, as GitHub words it: `{ message, documentation_url, errors? }`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly unknown[] | null;

  constructor(
    status: number,
    message: string,
    {
      headers = {},
      errors = null,
    }: { headers?: Readonly<Record<string, string>>; errors?: readonly unknown[] | null } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.errors = errors;
  }
}

export function notFound(): ApiError {
  return new ApiError(404, 'Not Found');
}

export function invalid(message: string, errors?: readonly unknown[]): ApiError {
  return new ApiError(422, message, { errors: errors ?? null });
}
