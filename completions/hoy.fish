# fish completion of hoy. The words up to the cursor go to `hoy __complete`, which knows the rest.
function __hoy_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] "$token" 2>/dev/null)
        switch $line
            case ':file*' ':dir*'
                set -l n (string replace -r '.*:' '' -- $line)
                string match -qr '^[0-9]+$' -- $n; or set n 0
                set -l before (string sub -l $n -- "$token")
                for path in (__fish_complete_path (string sub -s (math $n + 1) -- "$token"))
                    string match -q ':dir*' -- $line; and not string match -qr '/(\t|$)' -- $path; and continue
                    echo "$before$path"
                end
            case '*'
                echo $line
        end
    end
end
complete -c hoy -f -a '(__hoy_complete)'
