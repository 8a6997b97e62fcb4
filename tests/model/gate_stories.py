"""Traffic as a kernel makes it, orders as a person gives them, and what has to come of both, by `gate_script`."""

HANDSHAKE = """
    C SYN seq=0                  => held 1
    release 1                    => +1, released 1
    S SYN ACK seq=0 ack=1        => held 2
    release 2                    => +2, released 2
    C ACK seq=1 ack=1            => held 3
    release 3                    => +3, released 3
"""

STORIES = {
    "a handshake has three packets": HANDSHAKE,
    "copies of a held packet lie under it, the newest only, and go when it is released": """
        C SYN seq=0                  => held 1
        C SYN seq=0                  => copy 1 x1
        C SYN seq=0                  => -2, copy 1 x2
        C SYN seq=0                  => -3, copy 1 x3
        release 1                    => +1, -4, released 1
    """,
    "dropped while a copy lies under it: that is on its way already": """
        C SYN seq=0                  => held 1
        C SYN seq=0                  => copy 1 x1
        drop 1                       => -1, dropped 1, held 2 again 1 waiting
        C SYN seq=0                  => copy 2 x1
        release 2                    => +2, -3, released 2
    """,
    "the copy takes the dropped one's place in the order": """
        C SYN seq=0                  => held 1
        C2 SYN seq=0                 => held 2
        C SYN seq=0                  => copy 1 x1
        drop 1                       => -1, dropped 1, held 3 again 1 waiting
        release all                  => +3, +2, released 3, released 2
    """,
    "dropped with nothing under it: it comes back as a retransmission": """
        C SYN seq=0                  => held 1
        drop 1                       => -1, dropped 1
        C SYN seq=0                  => held 2 again 1
        drop 2                       => -2, dropped 2
        C SYN seq=0                  => held 3 again 2
        release 3                    => +3, released 3
    """,
    "a handshake stepped slowly: what the timers send is counted": """
        C SYN seq=0                  => held 1
        C SYN seq=0                  => copy 1 x1
        release 1                    => +1, -2, released 1
        S SYN ACK seq=0 ack=1        => held 2
        C SYN seq=0                  => -4, echo 1 x1
        S SYN ACK seq=0 ack=1        => copy 2 x1
        C SYN seq=0                  => -6, echo 1 x2
        release 2                    => +3, -5, released 2
        C ACK seq=1 ack=1            => held 3
        S SYN ACK seq=0 ack=1        => -8, echo 2 x1
        release 3                    => +7, released 3
    """,
    "a delivered packet whose answer is not held comes back as a retransmission": """
        C SYN seq=0                  => held 1
        release 1                    => +1, released 1
        C SYN seq=0                  => held 2 again 1
        drop 2                       => -2, dropped 2
        C SYN seq=0                  => held 3 again 2
    """,
    "data: the answer was dropped, so the sender sends again": HANDSHAKE
    + """
        C PSH ACK seq=1 ack=1 len=5  => held 4
        C PSH ACK seq=1 ack=1 len=5  => copy 4 x1
        release 4                    => +4, -5, released 4
        S ACK seq=1 ack=6            => held 5
        C PSH ACK seq=1 ack=1 len=5  => -7, echo 4 x1
        drop 5                       => -6, dropped 5
        C PSH ACK seq=1 ack=1 len=5  => held 6 again 4
        release 6                    => +8, released 6
        S ACK seq=1 ack=6            => held 7
    """,
    "an acknowledgement that a copy has drawn is swallowed while something is held, once for each copy": HANDSHAKE
    + """
        C PSH ACK seq=1 ack=1 len=5  => held 4
        release 4                    => +4, released 4
        S ACK seq=1 ack=6            => held 5
        release 5                    => +5, released 5
        C PSH ACK seq=1 ack=1 len=5  => held 6 again 4
        release 6                    => +6, released 6
        C PSH ACK seq=6 ack=1 len=1  => held 7
        S ACK seq=1 ack=6            => -8, answer 5 x1
        S ACK seq=1 ack=6            => held 8
    """,
    "an acknowledgement with another window is news": HANDSHAKE
    + """
        C PSH ACK seq=1 ack=1 len=5  => held 4
        release 4                    => +4, released 4
        S ACK seq=1 ack=6            => held 5
        release 5                    => +5, released 5
        C PSH ACK seq=1 ack=1 len=5  => held 6 again 4
        release 6                    => +6, released 6
        C PSH ACK seq=6 ack=1 len=1  => held 7
        S ACK seq=1 ack=6 win=600    => held 8
    """,
    "duplicate acknowledgements after a loss are shown, each of them": HANDSHAKE
    + """
        C PSH ACK seq=1 ack=1 len=5  => held 4
        C PSH ACK seq=6 ack=1 len=5  => held 5
        C PSH ACK seq=11 ack=1 len=5 => held 6
        drop 4                       => -4, dropped 4
        release 5                    => +5, released 5
        S ACK seq=1 ack=1            => held 7
        release 6                    => +6, released 6
        S ACK seq=1 ack=1            => held 8
        C PSH ACK seq=1 ack=1 len=5  => held 9 again 4
    """,
    "a pure acknowledgement is never a copy": HANDSHAKE
    + """
        C ACK seq=1 ack=1            => held 4
        C ACK seq=1 ack=1            => held 5
    """,
    "window probes, which a timer sends, are copies of each other": HANDSHAKE
    + """
        C PSH ACK seq=1 ack=1 len=5  => held 4
        release 4                    => +4, released 4
        S ACK seq=1 ack=6 win=0      => held 5
        release 5                    => +5, released 5
        C ACK seq=5 ack=1            => held 6
        C ACK seq=5 ack=1            => copy 6 x1
    """,
    "both say goodbye at once": HANDSHAKE
    + """
        C FIN ACK seq=1 ack=1        => held 4
        S FIN ACK seq=1 ack=1        => held 5
        C FIN ACK seq=1 ack=1        => copy 4 x1
        release 5                    => +5, released 5
        C ACK seq=2 ack=2            => held 6
        S FIN ACK seq=1 ack=1        => -8, echo 5 x1
        release 4                    => +4, -6, released 4
        release 6                    => +7, released 6
    """,
    "refused: the RST is held, and each later RST answers another packet": """
        C SYN seq=0                  => held 1
        release 1                    => +1, released 1
        S RST ACK seq=0 ack=1        => held 2
        C SYN seq=0                  => -3, echo 1 x1
        drop 2                       => -2, dropped 2
        C SYN seq=0                  => held 3 again 1
        release 3                    => +4, released 3
        S RST ACK seq=0 ack=1        => held 4
        S RST ACK seq=0 ack=1        => held 5
    """,
    "a full accept queue: the kernel ignores the SYN, and its copies are shown": """
        C SYN seq=0                  => held 1
        release 1                    => +1, released 1
        C SYN seq=0                  => held 2 again 1
        release 2                    => +2, released 2
        C SYN seq=0                  => held 3 again 2
    """,
    "bytes cut anew: lost segments come back as one, which is a copy of none, and repeats the first": HANDSHAKE
    + """
        C PSH ACK seq=1 ack=1 len=5  => held 4
        C PSH ACK seq=6 ack=1 len=5  => held 5
        drop 4                       => -4, dropped 4
        drop 5                       => -5, dropped 5
        C PSH ACK seq=1 ack=1 len=10 => held 6 again 4
        C PSH ACK seq=1 ack=1 len=10 => copy 6 x1
    """,
    "a segment that another one overtook repeats nothing": HANDSHAKE
    + """
        C PSH ACK seq=6 ack=1 len=5  => held 4
        C PSH ACK seq=1 ack=1 len=5  => held 5
    """,
    "released in any order": HANDSHAKE
    + """
        C PSH ACK seq=1 ack=1 len=5  => held 4
        C PSH ACK seq=6 ack=1 len=5  => held 5
        release 5                    => +5, released 5
        release 4                    => +4, released 4
        release 4                    => not held
        drop 5                       => not held
        drop 99                      => not held
    """,
    "connections do not know each other": """
        C SYN seq=0                  => held 1
        C2 SYN seq=0                 => held 2
        release 2                    => +2, released 2
        C2 SYN seq=0                 => held 3 again 2
        C SYN seq=0                  => copy 1 x1
    """,
    "the same four-tuple once more, with other numbers": HANDSHAKE
    + """
        C RST seq=1                  => held 4
        release 4                    => +4, released 4
        C SYN seq=0 life=70000       => held 5
        C SYN seq=0 life=70000       => copy 5 x1
        release 5                    => +5, -6, released 5
        S SYN ACK seq=0 life=9 ack=7 => held 6
    """,
    "datagrams are never copies, and a dropped one is gone": """
        C udp len=2                  => held 1
        C udp len=2                  => held 2
        drop 1                       => -1, dropped 1
        release 2                    => +2, released 2
        C udp len=2                  => held 3
    """,
    "nor are ICMP messages": """
        C udp len=2                  => held 1
        release 1                    => +1, released 1
        S icmp                       => held 2
        S icmp                       => held 3
        drop 2                       => -2, dropped 2
        release 3                    => +3, released 3
    """,
    "what is no packet is held too": """
        bytes                        => held 1
        bytes                        => held 2
        release 1                    => +1, released 1
    """,
    "opened: what is held goes first, then all of it passes": """
        C SYN seq=0                  => held 1
        C SYN seq=0                  => copy 1 x1
        C udp len=2                  => held 2
        open                         => +1, -2, +3, released 1, released 2, opened
        open                         => nothing
        S SYN ACK seq=0 ack=1        => +4, seen 3
        C udp len=2                  => +5, seen 4
        S SYN ACK seq=0 ack=1        => +6, seen 5 again 3
        close                        => closed
        close                        => nothing
        C ACK seq=1 ack=1            => held 6
        S SYN ACK seq=0 ack=1        => -8, echo 5 x1
    """,
    "the queue is lost: nothing is held, and what was held counts as never delivered": """
        C SYN seq=0                  => held 1
        C SYN seq=0                  => copy 1 x1
        C udp len=2                  => held 2
        lose queue                   => lost 1, lost 2
        release 1                    => not held
        C SYN seq=0                  => held 3 again 1
    """,
    "both ends call each other at once, or one itself: a SYN-ACK is no copy of a SYN": """
        C SYN seq=0                  => held 1
        S SYN seq=0                  => held 2
        release 1                    => +1, released 1
        S SYN ACK seq=0 ack=1        => held 3
        S SYN seq=0                  => copy 2 x1
    """,
}
