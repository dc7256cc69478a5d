# All interactive shells, and commands that come over ssh.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PS1='[\u@\h \W]\$ '
unset PROMPT_COMMAND
