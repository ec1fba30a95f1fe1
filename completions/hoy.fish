# fish completion of hoy. The words up to the cursor go to `hoy __complete`, which knows the rest.
function __hoy_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l flag (string match -r '^--[^=]*=' -- $token)
    for line in ($words[1] __complete -- $words[2..-1] "$token" 2>/dev/null)
        switch $line
            case :file :dir
                for path in (__fish_complete_path (string replace -- "$flag" '' "$token"))
                    string match -q -- :dir $line; and not string match -qr '/(\t|$)' -- $path; and continue
                    echo "$flag$path"
                end
            case '*'
                echo $line
        end
    end
end
complete -c hoy -f -a '(__hoy_complete)'
