import { expect, test } from "vitest";
import { contextKey, createContextValues } from "../../src/session/index.ts";

test("values are kept by their keys, and two keys of one name are two keys", () => {
  const values = createContextValues();
  const [one, other] = [contextKey<number>("count"), contextKey<string>("count")];
  expect(values.get(one)).toBeUndefined();
  values.set(one, 1);
  values.set(other, "two");
  expect([values.get(one), values.get(other)]).toEqual([1, "two"]);
  values.set(one, 3);
  values.delete(other);
  values.delete(other);
  expect([values.get(one), values.get(other)]).toEqual([3, undefined]);
  expect(createContextValues().get(one)).toBeUndefined();
});
