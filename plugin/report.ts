/** Takes what is wrong: where, and what, with how to write it. */
export type Report = (where: string, what: string) => void;
