// What may stand where the configuration asks for a path or an address, and what an address must not carry.
// Pure; knows no particular key.

export const optionalPath = (value: string) => value === '' || value.startsWith('/');

function carriesCredentials(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  const inQuery = [...url.searchParams.keys()].some((name) =>
    /(token|password|secret|authorization|key)$/i.test(name),
  );
  return url.username !== '' || url.password !== '' || inQuery;
}

export const isAddress = (schemes: readonly string[]) => (value: string) =>
  // The slashes are asked for since a URL parser adds them by itself and takes `ws:host` for an address.
  value === '' ||
  (URL.canParse(value) && schemes.some((scheme) => value.toLowerCase().startsWith(`${scheme}//`)));

export const noCredentials = {
  // The fragment is refused with the rest: it never reaches a server, so a token in it is a mistake as well.
  when: (value: string) => carriesCredentials(value) || value.includes('#'),
  because:
    'must not carry a user name, password, token or fragment: put the token into a file and name it in server.token_file',
};

// Without these three characters an address has nowhere to hide a credential.
export const plainAddress = (wrong: string) => /^\w+:\/\/[^@?#]*$/.test(wrong);
