/**
 * Two hundred prompts for judging the estimate of the input: twelve languages (Universal Declaration of Human
 * Rights, articles 1 and 3), program text, JSON, and text that no tokenizer knows. Always the same.
 */
import { createHash } from 'node:crypto'

const languages: Readonly<Record<string, readonly string[]>> = {
  English: [
    'All human beings are born free and equal in dignity and rights.',
    'They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.',
    'Everyone has the right to life, liberty and security of person.',
  ],
  German: [
    'Alle Menschen sind frei und gleich an Würde und Rechten geboren.',
    'Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.',
    'Jeder hat das Recht auf Leben, Freiheit und Sicherheit der Person.',
  ],
  French: [
    'Tous les êtres humains naissent libres et égaux en dignité et en droits.',
    'Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.',
    'Tout individu a droit à la vie, à la liberté et à la sûreté de sa personne.',
  ],
  Spanish: [
    'Todos los seres humanos nacen libres e iguales en dignidad y derechos.',
    'Dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.',
    'Todo individuo tiene derecho a la vida, a la libertad y a la seguridad de su persona.',
  ],
  Italian: [
    'Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.',
    'Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.',
    'Ogni individuo ha diritto alla vita, alla libertà ed alla sicurezza della propria persona.',
  ],
  Polish: [
    'Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.',
    'Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.',
    'Każdy człowiek ma prawo do życia, wolności i bezpieczeństwa swojej osoby.',
  ],
  Turkish: [
    'Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.',
    'Akıl ve vicdana sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.',
    'Yaşamak, hürriyet ve kişi emniyeti her ferdin hakkıdır.',
  ],
  Russian: [
    'Все люди рождаются свободными и равными в своем достоинстве и правах.',
    'Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.',
    'Каждый человек имеет право на жизнь, на свободу и на личную неприкосновенность.',
  ],
  Arabic: [
    'يولد جميع الناس أحراراً متساوين في الكرامة والحقوق.',
    'وقد وهبوا عقلاً وضميراً وعليهم أن يعامل بعضهم بعضاً بروح الإخاء.',
    'لكل فرد الحق في الحياة والحرية وسلامة شخصه.',
  ],
  Hindi: [
    'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।',
    'उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।',
    'प्रत्येक व्यक्ति को जीवन, स्वाधीनता और वैयक्तिक सुरक्षा का अधिकार है।',
  ],
  Chinese: [
    '人人生而自由，在尊严和权利上一律平等。',
    '他们赋有理性和良心，并应以兄弟关系的精神相对待。',
    '人人有权享有生命、自由和人身安全。',
  ],
  Japanese: [
    'すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。',
    '人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。',
    'すべて人は、生命、自由及び身体の安全に対する権利を有する。',
  ],
}

const code: readonly string[] = [
  'export function sum(values: readonly number[]): number {\n  let total = 0\n  for (const value of values) total += value\n  return total\n}\n',
  'def fibonacci(n: int) -> list[int]:\n    a, b = 0, 1\n    result = []\n    while len(result) < n:\n        result.append(a)\n        a, b = b, a + b\n    return result\n',
  'SELECT team_id, sum(cost_nanos) AS nanos\nFROM usage_records\nWHERE started_at >= $1\nGROUP BY team_id\nORDER BY nanos DESC;\n',
  'static inline uint32_t rotate(uint32_t x, int k) {\n\treturn (x << k) | (x >> (32 - k));\n}\n',
]

export type Prompt = { readonly kind: string; readonly text: string }

/** Bytes that follow from the number alone. */
function noise(n: number, bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, i) =>
    createHash('sha256').update(`${n} ${i}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, bytes)
}

/** Longer with each number, and never the same sentence at the same place. */
function repeated(pieces: readonly string[], n: number, glue: string): string {
  return Array.from({ length: 2 + n * 2 }, (_, i) => pieces[(n + i * (1 + (n % 2))) % pieces.length]).join(
    glue,
  )
}

const many = (count: number, kind: string, textOf: (n: number) => string): Prompt[] =>
  Array.from({ length: count }, (_, n) => ({ kind, text: textOf(n) }))

export const prompts: readonly Prompt[] = [
  ...Object.entries(languages).flatMap(([kind, sentences]) =>
    many(12, kind, (n) => repeated(sentences, n, kind === 'Chinese' || kind === 'Japanese' ? '' : ' ')),
  ),
  ...many(24, 'program text', (n) => repeated(code, n, '\n')),
  ...many(12, 'JSON', (n) =>
    JSON.stringify(
      many(n + 1, 'row', (i) => `${i * 37}`).map((row, i) => ({
        id: i,
        name: row.kind,
        amount: Number(row.text) / 8,
      })),
    ),
  ),
  ...many(10, 'base64', (n) => noise(n, 300 * (n + 1)).toString('base64')),
  ...many(10, 'digits', (n) => noise(n, 200 * (n + 1)).toString('hex')),
]
