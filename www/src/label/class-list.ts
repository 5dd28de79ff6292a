/** The classes that a person sorts pictures into, in the order of their keys. */
import { get, set } from "idb-keyval";
import { store } from "../storage.js";
import type { LabelSource } from "./sources.js";

const keyOf = ({ name }: LabelSource): string => `classes ${name}`;

export class ClassList {
  readonly names: string[] = [];
  readonly #source: LabelSource;

  private constructor(source: LabelSource) {
    this.#source = source;
  }

  /** Classes that the source knows, those that were added before, and those of its labels. */
  static async open(source: LabelSource): Promise<ClassList> {
    const list = new ClassList(source);
    const before = await get<string[]>(keyOf(source), store).catch(() => undefined);
    for (const name of [...source.classes, ...(before ?? [])]) list.#include(name);
    list.update();
    return list;
  }

  /** Includes classes of labels that were given elsewhere. */
  update(): void {
    const used = new Set(this.#source.pictures.map(({ label }) => label));
    for (const label of [...used].sort()) if (label !== null) this.#include(label);
  }

  /** Adds a class; its order is kept for the next visit where the browser keeps something. */
  add(name: string): void {
    this.#include(name);
    if (this.#source.kind === "gallery") return;
    void set(keyOf(this.#source), this.names, store).catch(() => {});
  }

  #include(name: string): void {
    if (!this.names.includes(name)) this.names.push(name);
  }
}
