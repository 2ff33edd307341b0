/** Whether a word is an address at all: "127.0.0.1:3250", "ws://play.example.com/chat". */
export function isAddress(word: string): boolean {
  if (/^(tcp|tls|ws|wss):\/\/./.test(word)) return URL.canParse(word);
  return /^[^\s/]+:\d{1,5}$/.test(word) && URL.canParse(`ws://${word}`);
}
