export function fullName(repository: { readonly owner: { readonly login: string }; readonly name: string }): string {
  return `${repository.owner.login}/${repository.name}`;
}

export function nodeId(kind: string, id: number): string {
  return Buffer.from(`${kind}:${id}`).toString('base64url');
}
