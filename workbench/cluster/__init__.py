"""Work on a Ray cluster of the site's own machines, each of which has the workbench installed and sees its folder."""
