import type { DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";

/** A service's name without "Service": it names everything that is printed, as RoomHandler and RoomClient. */
export function shortName({ name }: DescService): string {
  return name.replace(/(?<=.)Service$/, "");
}

/** What clients hear a push by: Said by onSaid. The runtime makes the same of the name in the printed table. */
export function listenerName({ localName }: DescMethod): string {
  return `on${upperFirst(localName)}`;
}

/** The type of what a method fails with, as RoomJoinError. */
export function errorName({ localName, parent }: DescMethod): string {
  return `${shortName(parent)}${upperFirst(localName)}Error`;
}

/** RoomAdmin to roomAdmin. */
export function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** roomAdmin to RoomAdmin. */
export function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** A field's name in TypeScript, by its name in the .proto. */
export function localName(message: DescMessage, name: string): string {
  return message.fields.find((field) => field.name === name)?.localName ?? name;
}
