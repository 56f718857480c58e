// Buttons above the place where an agent writes. Each gets { dossier, insert(text), send(data, shown) }.

export function tools() {
  return [];
}
