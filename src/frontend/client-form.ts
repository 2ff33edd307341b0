import { deflateZlib } from "../compression/index.ts";
import { type ClientFamily, clientFamily, type HandshakeRequest, inflatesZlib, usesCodes } from "../handshake/index.ts";
import { type CodeTable, type Dictionary, printedTable } from "./dictionary.ts";
import type { ClientEncoding, Encodings } from "./encoding.ts";

/** How bodies are deflated. */
export interface CompressionOptions {
  /** Bodies below this go as they are. The default is 1,024. */
  readonly leastBytes?: number;
}

/** What one connection's messages look like, as its handshake settles it. */
export interface ClientForm {
  readonly family: ClientFamily;
  readonly encoding: ClientEncoding;
  /** The codes that routes may have, both ways; undefined where routes are text. */
  readonly table: CodeTable | undefined;
  /** Whether the client has the table from before. */
  readonly tableKnown: boolean;
  /** From how many bytes on bodies may be deflated. */
  readonly deflatesFrom: number;
  /** A smaller body; undefined where the client does not inflate, or there is nothing to gain. Of one that many clients get, the work is done once. */
  readonly deflate: (body: Uint8Array) => Uint8Array | undefined;
}

/** Settles the forms of connections. */
export interface ClientForms {
  /** Undefined where the client names an encoding that this server does not have. @param printed The codes that its generated code has. */
  choose(request: HandshakeRequest, printed?: CodeTable): ClientForm | undefined;
}

/** Throws a RangeError on a size that makes no sense. @param options.dictionary Undefined: routes are text. @param options.compression False: nothing is deflated. */
export function createClientForms(options: {
  readonly encodings: Encodings;
  readonly dictionary: Dictionary | undefined;
  readonly compression: CompressionOptions | false;
}): ClientForms {
  const leastBytes = options.compression ? (options.compression.leastBytes ?? 1_024) : Number.POSITIVE_INFINITY;
  const deflate = options.compression ? createDeflate(leastBytes) : never;
  // Clients that are spoken to alike have one form, by which whoever writes knows them. A new dictionary makes new ones.
  let forms: ClientForm[] = [];
  let dictionary: CodeTable | undefined;

  function settle(form: ClientForm): ClientForm {
    const known = forms.find((each) => (Object.keys(form) as (keyof ClientForm)[]).every((part) => each[part] === form[part]));
    if (!known) forms.push(form);
    return known ?? form;
  }

  return {
    choose(request, printed) {
      const encoding = options.encodings.choose(request);
      if (!encoding) return undefined;
      if (dictionary !== options.dictionary?.table) forms = [];
      dictionary = options.dictionary?.table;
      const { dictionary: named } = request.sys.nano ?? {};
      const table = usesCodes(request) ? (dictionary && named === printedTable && printed) || dictionary : undefined;
      return settle({
        family: clientFamily(request),
        encoding,
        table,
        tableKnown: table !== undefined && named === table.name,
        ...(inflatesZlib(request)
          ? { deflate, deflatesFrom: leastBytes }
          : { deflate: never, deflatesFrom: Number.POSITIVE_INFINITY }),
      });
    },
  };
}

const never = (): undefined => undefined;

function createDeflate(leastBytes: number): ClientForm["deflate"] {
  if (!(leastBytes >= 0)) throw new RangeError(`compression.leastBytes must be at least 0, not ${leastBytes}`);
  // A broadcast's encoded body is one object for all connections of an encoding.
  const deflated = new WeakMap<Uint8Array, { readonly body: Uint8Array | undefined }>();
  return (body) => {
    if (body.length < leastBytes) return undefined;
    let known = deflated.get(body);
    if (!known) {
      known = { body: deflateZlib(body) };
      deflated.set(body, known);
    }
    return known.body;
  };
}
