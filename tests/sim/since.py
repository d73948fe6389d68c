"""Where each planted bug is soon caught: another seed after each change of the plan."""

# Where the search for a bug begins; elsewhere at zero.
SINCE = {
    "act_without_the_lease": 50,
    "skip_exits_behind_doubt": 1530,
    "forget_who_was_withdrawn": 890,
    "resend_unproven": 150,
    "resend_at_once": 150,
    "forget_what_is_in_doubt_at_takeover": 55,
    "count_others_fills_twice": 85,
    "retry_at_once": 50,
    "close_twice_after_a_restart": 205,
    "never_make_guards_smaller": 190,
    "guard_before_the_other_is_gone": 80,
    "say_protected_whatever_works": 60,
    "fire_before_it_is_written": 140,
    "send_what_others_may_have_taken": 1370,
}
