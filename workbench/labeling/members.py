"""Who works in Label Studio, and which release it is."""

from workbench.labeling.connection import Connection, translated_errors

__all__ = ["Members"]


class Members(Connection):
    """The organization's accounts."""

    def version(self) -> str:
        with translated_errors(self.url):
            return str(self._client.versions.get().release)

    def account(self) -> str:
        """Return the e-mail address of the token's account; LabelStudioError when the token is not valid."""
        with translated_errors(self.url):
            return str(self._client.users.whoami().email)

    def users(self) -> dict[int, str]:
        """Return the e-mail addresses of everyone in the organization by user id."""
        with translated_errors(self.url):
            return {user.id: user.email for user in self._client.users.list()}

    def invitation_path(self) -> str:
        """Return the path, with its token, at which somebody may sign up."""
        with translated_errors(self.url):
            return str(self._client.organizations.invites.get_invite_link().invite_url)
