"""From cameras' footage to stored stills: video files, folders of them and live streams."""
