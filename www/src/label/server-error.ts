/** What the server of a folder says when something went wrong. */

interface Said {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly status?: number;
  readonly cause?: unknown;
}

export class ServerError extends Error {
  readonly code: string;
  /** What to do. */
  readonly hint: string;
  /** The status of its answer; 0 if none came. */
  readonly status: number;

  constructor({ code, message, hint, status = 0, cause }: Said) {
    super(message, { cause });
    this.name = "ServerError";
    this.code = code;
    this.hint = hint;
    this.status = status;
  }
}

const GONE = "Look whether `kith label` still runs in its terminal, then try again.";

/** A request to the server; an answer that is no success becomes its error. */
export async function asked(url: URL, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { cache: "no-store", ...init }).catch((cause: unknown) => {
    init.signal?.throwIfAborted();
    return notAnswered(cause);
  });
  if (response.ok) return response;
  throw await errorIn(response);
}

/** The server is gone: that is no fault of what was asked for. */
export function notAnswered(cause: unknown): never {
  const message = "The server does not answer.";
  throw new ServerError({ code: "NO_ANSWER", message, hint: GONE, cause });
}

async function errorIn(response: Response): Promise<ServerError> {
  const { status } = response;
  const said: unknown = await response.json().catch(() => null);
  const part = (name: "code" | "message" | "hint", otherwise: string): string => {
    const value =
      said !== null && typeof said === "object" && name in said ? said[name as never] : "";
    return typeof value === "string" && value !== "" ? value : otherwise;
  };
  return new ServerError({
    code: part("code", `HTTP ${status}`),
    message: part("message", `The server refused: HTTP ${status}.`),
    hint: part("hint", GONE),
    status,
  });
}
