export interface GitSource {
  url: string;
  ref?: string;
  folder?: string;
}

/** Reads `URL[#REF[:FOLDER]]`; undefined when the text does not look like a git URL. */
export function parseGitUrl(text: string): GitSource | undefined {
  const hash = text.indexOf('#');
  const url = hash < 0 ? text : text.slice(0, hash);
  if (!/^(https?|git|ssh|file):\/\/./.test(url) && !/^[\w.-]+@[\w.-]+:./.test(url)) return undefined;
  const [ref, folder] = hash < 0 ? [] : splitOnce(text.slice(hash + 1));
  return { url, ...(ref && { ref }), ...(folder && { folder }) };
}

function splitOnce(text: string): [string, string?] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}
