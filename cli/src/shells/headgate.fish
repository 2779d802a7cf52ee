# fish completion of headgate: headgate completion fish | source

#TABLE

# What only the server knows: silent when it does not answer soon, or nobody has signed in.
function __headgate_ask
    set -l program $argv[1]
    $program complete "--word="$argv[2..] </dev/null 2>/dev/null
end

# What was typed of a word, without its quotes, also where the last one is not there yet.
function __headgate_plain
    test -n "$argv[1]"; or return
    string unescape -- $argv[1]; or string replace -r '^[\'"]' '' -- $argv[1]
end

function __headgate
    set -l typed (commandline -opc)
    # A word that is not begun yet may come as the blank before it.
    set -l current (commandline -ct | string trim --left)
    set -l plain (__headgate_plain "$current[1]")
    set plain "$plain[1]"
    set -l noun
    set -l verb
    test (count $typed) -gt 1; and set noun $typed[2]
    test (count $typed) -gt 2; and set verb $typed[3]
    set -l previous $typed[-1]
    set -l lead ''
    set -l begun $plain
    if string match -qr '^--[a-z-]+=' -- $plain
        set lead (string replace -r '=.*' '=' -- $plain)
        set previous (string replace '=' '' -- $lead)
        set begun (string replace -- $lead '' $plain)
    end
    set -l words (__headgate_words "$noun" "$verb" "$previous" "$begun")
    if test "$words" = @files
        for it in (__fish_complete_path "$begun")
            echo -- $lead$it
        end
        return
    end
    if test "$words" = @values
        set -l offers (__headgate_ask $typed "$plain")
        if test (count $offers) -gt 0
            for it in $offers
                echo -- $lead$it
            end
            return
        end
        set words @nothing
        string match -q -- '-*' $previous; or set words (__headgate_words "$noun" "$verb" '' -)
    end
    test "$words" = @nothing; and return
    for it in (string split ' ' -- $words)
        echo -- $lead$it
    end
end

complete -c headgate -f -a '(__headgate)'
