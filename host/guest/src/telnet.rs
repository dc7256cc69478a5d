//! The telnet protocol (RFC 854, 855) of a client that wants a clean byte stream and nothing else.
//!
//! The crates for it are made for games: they hold an unfinished subnegotiation in memory for as long as the server likes,
//! and leave the carriage returns of the network virtual terminal in the data. Here the memory is one byte of state.

use std::collections::BTreeSet;

/// Interpret as command.
const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// Begins a subnegotiation, which `SE` ends.
const SB: u8 = 250;
const SE: u8 = 240;

/// Eight-bit data without any meaning of carriage returns (RFC 856).
const BINARY: u8 = 0;
/// The server shows what is typed (RFC 857).
const ECHO: u8 = 1;
/// No "go ahead" after each message (RFC 858).
const SUPPRESS_GO_AHEAD: u8 = 3;

/// What the server may do.
const THEIRS: [u8; 3] = [BINARY, ECHO, SUPPRESS_GO_AHEAD];
/// What the client does if asked.
const OURS: [u8; 2] = [BINARY, SUPPRESS_GO_AHEAD];

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    /// After a carriage return, whose meaning is in the next byte.
    Return,
    Command,
    /// After WILL, WONT, DO or DONT.
    Option(u8),
    Subnegotiation,
    /// After an IAC inside a subnegotiation.
    SubnegotiationCommand,
}

/// Both directions of one telnet connection.
#[derive(Default)]
pub(crate) struct Telnet {
    state: State,
    theirs: BTreeSet<u8>,
    ours: BTreeSet<u8>,
    /// Requests of ours that are not answered yet: an answer to one is not answered again.
    asked: BTreeSet<(u8, u8)>,
}

impl Telnet {
    /// What to send first: the wish for eight-bit data in both directions, with no pauses.
    pub(crate) fn greeting(&mut self) -> Vec<u8> {
        let wishes = [
            (DO, SUPPRESS_GO_AHEAD),
            (WILL, SUPPRESS_GO_AHEAD),
            (DO, BINARY),
            (WILL, BINARY),
        ];
        self.asked.extend(wishes);
        wishes
            .iter()
            .flat_map(|(verb, option)| [IAC, *verb, *option])
            .collect()
    }

    /// Takes what came from the server: data goes to `data`, what has to be answered to `reply`.
    pub(crate) fn decode(&mut self, input: &[u8], data: &mut Vec<u8>, reply: &mut Vec<u8>) {
        for &byte in input {
            self.state = match (self.state, byte) {
                (State::Data | State::Return, IAC) => State::Command,
                (State::Return, 0) => State::Data,
                (State::Data | State::Return, b'\r') => {
                    data.push(byte);
                    if self.theirs.contains(&BINARY) {
                        State::Data
                    } else {
                        State::Return
                    }
                }
                (State::Data | State::Return, _) => {
                    data.push(byte);
                    State::Data
                }
                (State::Command, IAC) => {
                    data.push(IAC);
                    State::Data
                }
                (State::Command, SB) => State::Subnegotiation,
                (State::Command, verb @ WILL..=DONT) => State::Option(verb),
                (State::Command, _) => State::Data,
                (State::Option(verb), option) => {
                    self.negotiate(verb, option, reply);
                    State::Data
                }
                (State::Subnegotiation, IAC) => State::SubnegotiationCommand,
                (State::SubnegotiationCommand, SE) => State::Data,
                (State::Subnegotiation | State::SubnegotiationCommand, _) => State::Subnegotiation,
            };
        }
    }

    /// Writes data as the server expects it.
    pub(crate) fn encode(&self, data: &[u8], output: &mut Vec<u8>) {
        let binary = self.ours.contains(&BINARY);
        for (i, &byte) in data.iter().enumerate() {
            output.push(byte);
            match byte {
                IAC => output.push(IAC),
                b'\r' if !binary && data.get(i + 1) != Some(&b'\n') => output.push(0),
                _ => {}
            }
        }
    }

    /// Answers changes only, so that two ends never answer each other for ever (RFC 1143).
    fn negotiate(&mut self, verb: u8, option: u8, reply: &mut Vec<u8>) {
        let (active, allowed, yes, no) = match verb {
            WILL | WONT => (&mut self.theirs, &THEIRS[..], DO, DONT),
            _ => (&mut self.ours, &OURS[..], WILL, WONT),
        };
        let asked = self.asked.remove(&(yes, option));
        let wanted = verb == WILL || verb == DO;
        let answer = if !wanted {
            (active.remove(&option) && !asked).then_some(no)
        } else if !allowed.contains(&option) {
            Some(no)
        } else {
            (active.insert(option) && !asked).then_some(yes)
        };
        if let Some(answer) = answer {
            reply.extend([IAC, answer, option]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes in one go and byte by byte, which must not differ.
    fn decode(telnet: impl Fn() -> Telnet, input: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut data, mut reply) = (Vec::new(), Vec::new());
        telnet().decode(input, &mut data, &mut reply);
        let (mut data1, mut reply1) = (Vec::new(), Vec::new());
        let mut slowly = telnet();
        for byte in input {
            slowly.decode(&[*byte], &mut data1, &mut reply1);
        }
        assert_eq!((&data, &reply), (&data1, &reply1));
        (data, reply)
    }

    #[test]
    fn data_is_cleaned() {
        for (input, clean) in [
            (&b"plain"[..], &b"plain"[..]),
            (b"a\xff\xffb", b"a\xffb"),
            (b"a\r\0b\r\nc\r", b"a\rb\r\nc\r"),
            (b"a\r\xff\xf1\0", b"a\r\0"),
            (b"\0", b"\0"),
            (b"a\xff\xf2b\xff\xf9c", b"abc"),
            (b"a\xff\xfa\x18\x01secret \xff\xff \xff\xf0b", b"ab"),
            (b"a\xff\xfanever ended", b"a"),
        ] {
            assert_eq!(
                decode(Telnet::default, input),
                (clean.to_vec(), Vec::new()),
                "{input:?}"
            );
        }
    }

    #[test]
    fn options_are_refused_but_for_three() {
        let (_, reply) = decode(
            Telnet::default,
            &[
                IAC, DO, 24, IAC, WILL, 5, IAC, WILL, ECHO, IAC, DO, ECHO, IAC, DO, 3,
            ],
        );
        let expected = [
            IAC, WONT, 24, IAC, DONT, 5, IAC, DO, ECHO, IAC, WONT, ECHO, IAC, WILL, 3,
        ];
        assert_eq!(reply, expected);
        // Said again it is no news.
        let (_, reply) = decode(
            Telnet::default,
            &[IAC, WILL, ECHO, IAC, WILL, ECHO, IAC, WONT, ECHO],
        );
        assert_eq!(reply, [IAC, DO, ECHO, IAC, DONT, ECHO]);
        let (_, reply) = decode(Telnet::default, &[IAC, WONT, 24, IAC, DONT, 24]);
        assert!(reply.is_empty());
    }

    #[test]
    fn answers_to_our_wishes_are_not_answered() {
        let asked = || {
            let mut telnet = Telnet::default();
            assert_eq!(telnet.greeting().len(), 12);
            telnet
        };
        let yes = [IAC, WILL, BINARY, IAC, DO, BINARY, IAC, WONT, 3, IAC, DO, 3];
        let (data, reply) = decode(asked, &[&yes[..], b"a\r\0"].concat());
        assert_eq!(
            (data.as_slice(), reply.as_slice()),
            (&b"a\r\0"[..], &b""[..])
        );
        let mut telnet = asked();
        telnet.decode(&yes, &mut Vec::new(), &mut Vec::new());
        let mut sent = Vec::new();
        telnet.encode(b"\r\xff\r\n", &mut sent);
        assert_eq!(sent, b"\r\xff\xff\r\n");
    }

    #[test]
    fn what_is_sent_arrives() {
        let mut sent = Vec::new();
        let all: Vec<u8> = (0..=255).chain(*b"\r\n\r").collect();
        Telnet::default().encode(&all, &mut sent);
        assert!(sent.ends_with(b"\r\n\r\0"));
        // The other direction has the same rules.
        assert_eq!(decode(Telnet::default, &sent), (all, Vec::new()));
    }
}
