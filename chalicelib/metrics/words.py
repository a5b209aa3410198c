"""What states, grounds and figures of posts are called on pages."""

from __future__ import annotations

from chalicelib.pages.shell import mark

METRICS = {
    "views": mark("Views"),
    "reach": mark("Reach"),
    "likes": mark("Likes"),
    "comments": mark("Comments"),
    "shares": mark("Shares"),
    "saves": mark("Saves"),
}
STATES = {
    "matched": mark("theirs"),
    "not_matched": mark("not surely theirs"),
    "removed": mark("no longer shown by its platform"),
    "withdrawn": mark("its person has left"),
}
GROUNDS = {
    "": mark("Nothing tells whose post it is."),
    "link": mark("By the account in its link."),
    "platform": mark("By the account that its platform told."),
    "proof": mark("Somebody else has shown that the account is theirs."),
    "staff": mark("By a decision of the staff."),
}
DISCLOSED = {
    "yes": mark("Its words carry the label."),
    "no": mark("Its words do not carry the label that its campaign asks for."),
    "not_known": mark("Whether its words carry the label is not known."),
    "not_needed": mark("No label is needed: nothing was given for it."),
}
GRADES = {"verified": mark("Told by the platform"), "declared": mark("Said by creators")}
SHOWN = {
    "": mark("All posts"),
    "campaign": mark("Those whose campaign is to be decided"),
    "not_matched": mark("Those that are not surely theirs"),
}
"""Which posts the list shows."""
