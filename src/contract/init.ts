import type { Message } from "@bufbuild/protobuf";

/** What makes a message: some of its fields, or a whole one. */
export type Init<M extends Message> = {
  readonly [F in keyof M as F extends "$unknown" ? never : F]?: F extends "$typeName" ? M[F] : FieldInit<M[F]>;
};

type FieldInit<F> = F extends Date | Uint8Array | bigint | boolean | string | number
  ? F
  : F extends readonly (infer U)[]
    ? readonly FieldInit<U>[]
    : F extends Message
      ? Init<F>
      : F extends { case: infer C extends string; value: infer V }
        ? { readonly case: C; readonly value: FieldInit<V> }
        : F extends { case: undefined; value?: undefined }
          ? F
          : F extends { [key: string]: infer U }
            ? { readonly [key: string]: FieldInit<U> }
            : F;

/** What a request's handler gives back. */
export type Answer<M extends Message> = Init<M> | Promise<Init<M>>;

/** What a notify's handler gives back. */
export type Done = void | Promise<void>;
