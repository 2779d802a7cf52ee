/** The commands that are no operation of the admin API. Few: everything else comes from the table of operations. */
import type { Command, OwnCommand } from './command.ts'
import { completeCommand } from './complete.ts'
import { completionScript, type Shell, shells } from './completion.ts'
import { applyCommand } from './config-file/apply.ts'
import { diffCommand } from './config-file/diff.ts'
import { exportCommand } from './config-file/export.ts'
import { schemaCommand } from './config-file/schema.ts'
import { validateCommand } from './config-file/validate.ts'
import { clearCommand, trafficCommand } from './demo.ts'
import { docsCommand } from './docs.ts'
import { doctorCommand } from './doctor.ts'
import { wrongUsage } from './exit-codes.ts'
import { loginCommand, logoutCommand, profilesCommand, useProfileCommand } from './login.ts'
import { openCommand } from './open.ts'
import { setLimitCommand } from './set-limit.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'

/** @param commands all of them, asked for when one runs: the completion holds itself too */
export function ownCommands(commands: () => readonly Command[]): OwnCommand[] {
  return [
    upCommand,
    doctorCommand,
    statusCommand,
    loginCommand,
    logoutCommand,
    profilesCommand,
    useProfileCommand,
    validateCommand,
    diffCommand,
    applyCommand,
    exportCommand,
    schemaCommand,
    setLimitCommand,
    openCommand,
    docsCommand,
    trafficCommand,
    clearCommand,
    completionCommand(commands),
    completeCommand(commands),
  ]
}

function completionCommand(commands: () => readonly Command[]): OwnCommand {
  return {
    kind: 'own',
    words: ['completion'],
    summary: `Prints the completion for ${shells.join(', ')}.`,
    positionals: [{ name: 'shell', isRequired: true, idPrefixes: [] }],
    flags: [],
    examples: ['source <(headgate completion bash)', 'headgate completion fish | source'],
    suggest: async () => shells,
    run: async ({ io, typed }) => {
      const [shell = ''] = typed.positionals
      if (!(shells as readonly string[]).includes(shell))
        throw wrongUsage(`There is completion for ${shells.join(', ')}; not for "${shell}".`)
      await io.out(completionScript(shell as Shell, commands()))
      return 'done'
    },
  }
}
