/** What is kept in this browser over a reload: one record a name. */

const NAME = "kith-page";
const STORE = "kept";

/** Keeps a value under a name. */
export async function keep(name: string, value: unknown): Promise<void> {
  await using(async (store) => store.put(value, name), "readwrite");
}

/** What was kept under a name. */
export async function kept<T>(name: string): Promise<T | undefined> {
  return (await using(async (store) => store.get(name), "readonly")) as T | undefined;
}

/** Forgets a name. */
export async function forget(name: string): Promise<void> {
  await using(async (store) => store.delete(name), "readwrite");
}

async function using(
  work: (store: IDBObjectStore) => Promise<IDBRequest>,
  mode: IDBTransactionMode,
): Promise<unknown> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = (await settled(opening)) as IDBDatabase;
  try {
    const request = await work(database.transaction(STORE, mode).objectStore(STORE));
    return await settled(request);
  } finally {
    database.close();
  }
}

function settled(request: IDBRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
